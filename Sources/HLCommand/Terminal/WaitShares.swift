import HLFormats

/// Which part of the time a program has waited for the one before it, and for the one behind it, in hundredths.
package struct WaitShares: Equatable, Sendable {
    package let input: Int
    package let output: Int

    package init(input: Int, output: Int) {
        self.input = input
        self.output = output
    }

    package var busy: Int { max(0, 100 - input - output) }

    /// `busy 97 %`; or what it waits for most of the time: `starved 80 %` of input, `blocked 80 %` by who does not take
    /// its output.
    package var text: String {
        if busy >= 50 { return "busy \(busy) %" }
        return input >= output ? "starved \(input) %" : "blocked \(output) %"
    }
}

/// Measures them over the last seconds, and over the whole.
struct WaitMeter {
    private struct Reading {
        let time: Double
        let waits: (reading: Double, writing: Double)
    }

    /// Seconds that shares are measured over, at least.
    private static let span = 2.0

    private let first: Reading
    /// The beginning of what is measured, and what takes its place.
    private var start: Reading
    private var next: Reading

    init(at time: Double) {
        first = Reading(time: time, waits: WaitClock.seconds)
        start = first
        next = first
    }

    /// The shares of the last seconds; nil where there have been too few.
    mutating func recent(at time: Double) -> WaitShares? {
        let now = Reading(time: time, waits: WaitClock.seconds)
        if time - next.time >= Self.span {
            start = next
            next = now
        }
        return Self.shares(from: start, to: now)
    }

    /// The shares of the whole.
    func whole(at time: Double) -> WaitShares? {
        Self.shares(from: first, to: Reading(time: time, waits: WaitClock.seconds))
    }

    private static func shares(from start: Reading, to end: Reading) -> WaitShares? {
        let seconds = end.time - start.time
        guard seconds >= 0.5 else { return nil }
        func percent(_ waited: Double) -> Int { max(0, min(100, Int((100 * waited / seconds).rounded()))) }
        return WaitShares(
            input: percent(end.waits.reading - start.waits.reading),
            output: percent(end.waits.writing - start.waits.writing))
    }
}
