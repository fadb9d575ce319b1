import CSystem
import Glibc
import HLTensor
import Synchronization

/// Calls something every few seconds on a thread of its own, until it is stopped.
final class Heartbeat: @unchecked Sendable {
    // Unchecked: everything below is touched only under `lock`.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isStopped = false

    /// - Parameters:
    ///   - interval: seconds between two calls.
    ///   - first: seconds before the first one.
    ///   - beat: returns whether to go on.
    /// - Throws: `Failure` (resources) where the system has no more threads.
    init(every interval: Double, after first: Double, _ beat: @escaping @Sendable () -> Bool) throws {
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(change, &attributes)
        pthread_condattr_destroy(&attributes)
        // Signals are for the threads that know what to do on them.
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try startThread { [self] in
            var pause = first
            while wait(pause) {
                guard beat() else { return }
                pause = interval
            }
        }
    }

    // The lock stays as long as the process: the thread may be about to ask for it.

    /// - Returns: false where it was stopped meanwhile.
    private func wait(_ interval: Double) -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let end = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9 + interval
        time.tv_sec = Int(end)
        time.tv_nsec = Int((end - end.rounded(.down)) * 1e9)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while !isStopped {
            if pthread_cond_timedwait(change, lock, &time) == ETIMEDOUT { break }
        }
        return !isStopped
    }

    func stop() {
        pthread_mutex_lock(lock)
        isStopped = true
        pthread_cond_signal(change)
        pthread_mutex_unlock(lock)
    }
}
