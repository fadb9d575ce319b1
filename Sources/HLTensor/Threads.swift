import Glibc

private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Runs `body` on a new thread.
/// - Throws: `Failure` (resources) where the system has no more threads.
package func startThread(_ body: @escaping () -> Void) throws(Failure) {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(ThreadBody(body))
    let code = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        }, argument.toOpaque())
    guard code == 0 else {
        argument.release()
        if Memory.isLimited { throw Memory.failure(for: "a thread") }
        throw Machine.cannotStart("a thread", code)
    }
    pthread_detach(thread)
}
