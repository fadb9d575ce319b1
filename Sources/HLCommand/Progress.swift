import Glibc
import HLFormats
import HLRecords

/// Samples done, their rate and the time left, on one line of stderr.
///
/// Shown where stderr is a terminal and standard output no pipe: in a pipeline only the last program reports. On a
/// terminal the line is rewritten at most four times a second; with `--progress` elsewhere a new line comes every ten
/// seconds.
package final class Progress {
    private enum Form { case none, line, lines }

    private let total: Int?
    private let unit: String
    private let form: Form
    private let begin = Progress.now()
    private var lastShown: Double
    private var isFirst = true
    private var extra = ""
    package private(set) var done = 0
    /// What a resumed run had done before; it does not count for the rate.
    private let doneBefore: Int

    /// Is told of every change, shown or not.
    nonisolated(unsafe) static var follower: ((_ done: Int, _ total: Int?, _ unit: String) -> Void)?

    /// - Parameter total: how many there will be in all, where that is known or announced.
    package init(total: Int? = nil, doneBefore: Int = 0, unit: String = "samples") {
        self.total = total
        self.unit = unit
        self.doneBefore = doneBefore
        done = doneBefore
        lastShown = begin
        Self.follower?(done, total, unit)
        var status = stat()
        let isPiped = fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
        let isTerminal = isatty(STDERR_FILENO) == 1
        if Console.isQuiet || !(Console.wantsProgress || (isTerminal && !isPiped)) {
            form = .none
        } else {
            form = isTerminal ? .line : .lines
        }
    }

    /// Counts `count` more.
    /// - Parameter extra: such as `loss 4.21`; evaluated only when a line is due.
    package func advance(by count: Int, extra: @autoclosure () -> String = "") {
        done += count
        Self.follower?(done, total, unit)
        guard form != .none else { return }
        let time = Self.now()
        let pause = form == .line ? 0.25 : 10
        guard time - lastShown >= (isFirst && form == .line ? 0.1 : pause) else { return }
        isFirst = false
        lastShown = time
        self.extra = extra()
        show(time)
    }

    /// Shows the end state and leaves the line. A run that was over before its first line stays silent.
    package func finish(extra: @autoclosure () -> String = "") {
        guard form != .none, !isFirst || Console.wantsProgress else { return }
        let last = extra()
        if !last.isEmpty { self.extra = last }
        show(Self.now(), isLast: true)
        Console.endLine()
    }

    private func show(_ time: Double, isLast: Bool = false) {
        let text = Self.text(
            done: done, doneBefore: doneBefore, total: total, unit: unit, seconds: time - begin, extra: extra,
            isLast: isLast, width: form == .line ? Console.terminalWidth - Console.tool.count - 3 : .max)
        form == .line ? Console.showLine("\(Console.tool): \(text)") : Console.writePlain(text)
    }

    /// `12,800 of 1,000,000 samples, 412 /s, 40 min left, loss 4.21`
    /// - Parameter width: characters that there is room for. Where they are too few, what says least goes first: the
    ///   rate, the unit, the total, the time; and the loss last.
    package static func text(
        done: Int, doneBefore: Int, total: Int?, unit: String, seconds: Double, extra: String, isLast: Bool,
        width: Int = .max
    ) -> String {
        // What was only announced may turn out to be more.
        let total = total.flatMap { done <= $0 ? $0 : nil }
        let count = grouped(done) + (total.map { " of \(grouped($0))" } ?? "")
        let share = total.map { "\(100 * done / max(1, $0)) %" } ?? grouped(done)
        let perSecond = seconds > 0 ? Double(done - doneBefore) / seconds : 0
        var rate = "", time = ""
        if perSecond > 0 {
            rate = perSecond < 10 ? "\(rounded(perSecond, to: 1))/s" : "\(grouped(Int(perSecond.rounded())))/s"
        }
        if isLast {
            time = "in \(duration(seconds))"
        } else if let total, perSecond > 0, total > done {
            time = "\(duration(Double(total - done) / perSecond)) left"
        }
        let forms = [
            ["\(count) \(unit)", rate, time, extra], ["\(count) \(unit)", time, extra], [count, time, extra],
            [share, time, extra], [share, extra],
        ].map { $0.filter { !$0.isEmpty }.joined(separator: ", ") }
        return forms.first { $0.count <= width } ?? String(forms[forms.count - 1].prefix(max(0, width)))
    }

    /// `1,234,567`
    package static func grouped(_ number: Int) -> String {
        var digits = Array(String(number.magnitude))
        for position in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: position) }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// `41 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "forever" }
        if seconds < 10 { return "\(rounded(seconds, to: 1)) s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    /// Seconds on a clock that only goes forward.
    package static func now() -> Double { CostMeter.now() }
}
