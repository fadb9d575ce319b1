import Glibc
import Synchronization

/// How long this process has waited for what it reads and writes: the time that its calls of `read` and `write` took, of
/// all its threads. A program that waits for input has a slower one before it, and one that waits for output a slower one
/// behind it.
package enum WaitClock {
    private static let reading = Watch()
    private static let writing = Watch()

    /// Seconds so far, those of calls that have not come back included.
    package static var seconds: (reading: Double, writing: Double) {
        let time = WaitClock.now()
        return (Double(reading.time(until: time)) * 1e-9, Double(writing.time(until: time)) * 1e-9)
    }

    static func timeRead<Result>(_ call: () throws -> Result) rethrows -> Result { try reading.time(call) }

    static func timeWrite<Result>(_ call: () throws -> Result) rethrows -> Result { try writing.time(call) }

    /// Adds up nanoseconds of calls, each as its end less its beginning.
    private final class Watch: Sendable {
        /// The ends of calls that have come back, less the beginnings of all; and how many have not.
        private let state = Mutex((sum: 0, open: 0))

        func time<Result>(_ call: () throws -> Result) rethrows -> Result {
            let start = WaitClock.now()
            state.withLock { $0 = ($0.sum - start, $0.open + 1) }
            defer {
                let end = WaitClock.now()
                state.withLock { $0 = ($0.sum + end, $0.open - 1) }
            }
            return try call()
        }

        func time(until now: Int) -> Int { state.withLock { $0.sum + $0.open * now } }
    }

    /// Nanoseconds.
    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
