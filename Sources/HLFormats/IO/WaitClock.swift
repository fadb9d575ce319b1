import Glibc
import Synchronization

/// How long this process has waited for what it reads and writes: the time that its calls of `read` and `write` took, of
/// all its threads. A program that waits for input has a slower one before it, and one that waits for output a slower one
/// behind it.
package enum WaitClock {
    private static let reading = Atomic<Int>(0)
    private static let writing = Atomic<Int>(0)

    /// Seconds so far.
    package static var seconds: (reading: Double, writing: Double) {
        (
            Double(reading.load(ordering: .relaxed)) * 1e-9, Double(writing.load(ordering: .relaxed)) * 1e-9
        )
    }

    static func timeRead<Result>(_ call: () throws -> Result) rethrows -> Result {
        let start = now()
        defer { reading.add(now() - start, ordering: .relaxed) }
        return try call()
    }

    static func timeWrite<Result>(_ call: () throws -> Result) rethrows -> Result {
        let start = now()
        defer { writing.add(now() - start, ordering: .relaxed) }
        return try call()
    }

    /// Nanoseconds.
    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
