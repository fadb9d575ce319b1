import Glibc
import HLFormats
import HLRecords
import Synchronization

/// Samples done, their rate and the time left, on one line of stderr.
///
/// Shown where stderr is a terminal: the programs of a pipeline have a line each, one below the other, with what each waits
/// for, as long as the last of them is one of ours. Lines are rewritten at most four times a second. Where the cursor cannot
/// be moved, and with `--progress` where there is no terminal, a new line comes every ten seconds, on terminals from the
/// last program alone.
package final class Progress: @unchecked Sendable {
    // Unchecked: what changes is touched only under `access`.
    private enum Form { case none, line, lines }

    private let total: Int?
    private let unit: String
    private let form: Form
    private let begin = Progress.now()
    private var lastShown: Double
    private var meter: WaitMeter
    private let access = Mutex(())
    /// Renews the line while the program waits for others.
    private var heartbeat: Heartbeat?
    private var isOver = false
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
        meter = WaitMeter(at: begin)
        Self.follower?(done, total, unit)
        let isTerminal = isatty(STDERR_FILENO) == 1
        let hasLine =
            isTerminal && (StatusBoard.shared != nil || !TerminalScreen.outputIsPiped && TerminalScreen.canMove)
        if Console.isQuiet {
            form = .none
        } else if hasLine {
            form = .line
        } else {
            form = Console.wantsProgress || isTerminal && !TerminalScreen.outputIsPiped ? .lines : .none
        }
    }

    /// Counts `count` more.
    /// - Parameter extra: such as `loss 4.21`; evaluated only when a line is due.
    package func advance(by count: Int, extra: @autoclosure () -> String = "") {
        access.withLock { _ in
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
            if form == .line && heartbeat == nil && StatusBoard.shared != nil {
                // Without a thread for it the line is renewed by what gets on alone.
                heartbeat = try? Heartbeat(every: 1, after: 1) { [weak self] in self?.renew() ?? false }
            }
        }
    }

    /// Shows what the program waits for where it has not got on for a while.
    /// - Returns: false when it is over.
    private func renew() -> Bool {
        access.withLock { _ in
            let time = Self.now()
            if !isOver && time - lastShown >= 0.9 { show(time) }
            return !isOver
        }
    }

    /// Shows the end state and leaves the line. A run that was over before its first line stays silent.
    package func finish(extra: @autoclosure () -> String = "") {
        access.withLock { _ in
            isOver = true
            heartbeat?.stop()
            guard form != .none, !isFirst || Console.wantsProgress else { return }
            let last = extra()
            if !last.isEmpty { self.extra = last }
            show(Self.now(), isLast: true)
        }
    }

    private func show(_ time: Double, isLast: Bool = false) {
        let isAlone = !(form == .line && StatusBoard.shared?.hasOthers() ?? false)
        let room = StatusBlock.room(tool: Console.tool, columns: TerminalScreen.width, isAlone: isAlone)
        let text = Self.text(
            done: done, doneBefore: doneBefore, total: total, unit: unit, seconds: time - begin, extra: extra,
            isLast: isLast, width: form == .line ? room : .max)
        let waits = isLast ? meter.whole(at: time) : meter.recent(at: time)
        form == .line ? Console.showLine(text, waits: waits, isFinal: isLast) : Console.writePlain(text)
    }

    /// `12,800 of 1,000,000 samples, 412 /s, 40 min left, loss 4.21`
    /// - Parameter width: characters that there is room for. Where they are too few, what says least goes first: the
    ///   rate, the unit, the total, what the training says behind its loss, the time; and the loss last.
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
        // A step and a loss, and what comes behind them.
        let parts = Self.parts(extra)
        let least = parts.firstIndex { $0.hasPrefix("loss") } ?? 0
        let shorter = parts.indices.dropFirst(least + 1).reversed().map { parts[..<$0].joined(separator: ", ") }
        var forms: [[String]] = [
            ["\(count) \(unit)", rate, time, extra], ["\(count) \(unit)", time, extra], [count, time, extra],
            [share, time, extra],
        ]
        for less in shorter { forms.append([share, time, less]) }
        forms.append([share, extra])
        for less in shorter { forms.append([share, less]) }
        let texts = forms.map { $0.filter { !$0.isEmpty }.joined(separator: ", ") }
        return texts.first { $0.count <= width } ?? String(texts[texts.count - 1].prefix(max(0, width)))
    }

    /// What commas with a space separate; those of numbers have none.
    private static func parts(_ text: String) -> [String] {
        var parts: [String] = [], rest = text[...]
        while let comma = rest.firstRange(of: ", ") {
            parts.append(String(rest[..<comma.lowerBound]))
            rest = rest[comma.upperBound...]
        }
        return parts + [String(rest)]
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
