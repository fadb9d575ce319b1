import Glibc
import HLFormats
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
    /// - Throws: what the producer threw, after the values before it; `Interrupted` where a signal that was deferred
    ///   comes while it waits.
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
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(change, &attributes)
        pthread_condattr_destroy(&attributes)
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
            while waiting.isEmpty && !isClosed { try waitForValue() }
            if !waiting.isEmpty { return waiting.removeFirst() }
            if let failure { throw failure }
            return nil
        }
    }

    /// A signal handler cannot wake a thread in an orderly way: who defers signals looks up from time to time.
    private func waitForValue() throws {
        guard Termination.isInstalled else {
            pthread_cond_wait(change, lock)
            return
        }
        try Interrupted.check()
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        time.tv_nsec += Interrupted.pause * 1_000_000
        if time.tv_nsec >= 1_000_000_000 {
            time.tv_nsec -= 1_000_000_000
            time.tv_sec += 1
        }
        pthread_cond_timedwait(change, lock, &time)
    }

    func close(_ error: (any Error)?) {
        locked {
            isClosed = true
            failure = error
        }
    }

    func abandon() { locked { isAbandoned = true } }
}
