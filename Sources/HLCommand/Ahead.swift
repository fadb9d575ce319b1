import Glibc
import HLTensor

/// Values made on a thread of their own, a few ahead of who takes them, in the order of making.
///
/// Both sides sleep while they wait. The thread ends with the last value, with the first error, or with the process.
package final class Ahead<Element: Sendable>: Sendable {
    private let queue: BoundedQueue<Element>

    /// - Parameters:
    ///   - depth: how many values may wait.
    ///   - produce: called on the thread, one call at a time, until it returns `nil` or throws.
    package init(depth: Int = 2, _ produce: @escaping () throws -> Element?) {
        let queue = BoundedQueue<Element>(depth: max(1, depth))
        self.queue = queue
        nonisolated(unsafe) let produce = produce
        do {
            try startThread {
                do {
                    while let element = try produce() {
                        guard queue.put(element) else { return }
                    }
                    queue.close(nil)
                } catch {
                    queue.close(error)
                }
            }
        } catch {
            queue.close(error)
        }
    }

    deinit { queue.abandon() }

    /// The next value, `nil` after the last.
    /// - Throws: what the producer threw, after the values before it.
    package func next() throws -> Element? { try queue.take() }
}

/// A queue between one producer and one consumer.
private final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    // Unchecked: everything below is touched only under `lock`.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let depth: Int
    private var waiting: [Element] = []
    private var isClosed = false
    private var isAbandoned = false
    private var failure: (any Error)?

    init(depth: Int) {
        self.depth = depth
        pthread_mutex_init(lock, nil)
        pthread_cond_init(change, nil)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(lock)
        change.deallocate()
        lock.deallocate()
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(lock)
        defer {
            pthread_cond_signal(change)
            pthread_mutex_unlock(lock)
        }
        return try body()
    }

    /// - Returns: false if nobody will take it.
    func put(_ element: Element) -> Bool {
        locked {
            while waiting.count >= depth && !isAbandoned { pthread_cond_wait(change, lock) }
            if !isAbandoned { waiting.append(element) }
            return !isAbandoned
        }
    }

    func take() throws -> Element? {
        try locked {
            while waiting.isEmpty && !isClosed { pthread_cond_wait(change, lock) }
            if !waiting.isEmpty { return waiting.removeFirst() }
            if let failure { throw failure }
            return nil
        }
    }

    func close(_ error: (any Error)?) {
        locked {
            isClosed = true
            failure = error
        }
    }

    func abandon() { locked { isAbandoned = true } }
}

private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Runs `body` on a new thread.
/// - Throws: `Failure` (software, or out of memory) where the system has no more threads.
private func startThread(_ body: @escaping () -> Void) throws {
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
        throw Failure(
            .software, "cannot start a thread (\(String(cString: strerror(code))))", "lift the limit on processes")
    }
    pthread_detach(thread)
}
