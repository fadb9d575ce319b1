import HLFormats

/// The lines of all programs of a pipeline, one below the other, at the place where they stood before.
package struct StatusBlock: Equatable, Sendable {
    /// As they are shown, none longer than the terminal is wide.
    package let lines: [String]

    /// Columns that stay free behind a line, so that none goes on in the next row.
    private static let margin = 1
    private static let mark = ", slowest"

    /// What is shown of the programs of one group: nothing without the last of their pipeline, which may be a pager or
    /// an editor that has the terminal for itself.
    /// - Parameters:
    ///   - columns: of the terminal.
    ///   - rows: of the terminal; where there are more programs, the last of them show.
    package init(_ programs: [StatusLine], columns: Int, rows: Int) {
        guard programs.contains(where: \.isLast) else {
            lines = []
            return
        }
        let programs = programs.sorted(by: StatusLine.isBefore)
        let slowest = Self.slowest(of: programs), room = max(0, columns - Self.margin)
        let width = programs.map(\.tool.count).max() ?? 0
        lines = programs.enumerated().map { number, program in
            let name = program.tool + ":" + String(repeating: " ", count: width - program.tool.count + 1)
            guard programs.count > 1, let waits = program.waits else {
                return String((name + program.text).prefix(room))
            }
            let suffix = ", \(waits.text)" + (number == slowest ? Self.mark : "")
            // What tells where a pipeline is held up is worth more than the end of a text.
            guard room > name.count + suffix.count + 10 else { return String((name + program.text).prefix(room)) }
            return name + program.text.prefix(room - name.count - suffix.count) + suffix
        }.suffix(max(1, rows - 1))
    }

    /// Columns that a program's text may have, alone or beside others, in a terminal of that width.
    package static func room(tool: String, columns: Int, isAlone: Bool) -> Int {
        if isAlone { return max(0, columns - tool.count - 2 - margin) }
        // Names are brought to one length, and one of them has the mark.
        let name = max(tool.count, "hl-perturb".count) + 2 + margin
        return max(0, columns - name - ", busy 100 %".count - mark.count)
    }

    /// The program that waits least, by its place; nil where there is nobody to compare it with.
    private static func slowest(of programs: [StatusLine]) -> Int? {
        let shares = programs.enumerated().compactMap { number, program in program.waits.map { (number, $0.busy) } }
        guard shares.count > 1, shares.count == programs.count else { return nil }
        let busy = shares.map(\.1).sorted(by: >)
        return busy[0] > busy[1] ? shares.first { $0.1 == busy[0] }?.0 : nil
    }

    /// What to write to the terminal, whose cursor stands at the end of the block's last line.
    /// - Parameters:
    ///   - before: rows of the block that is there; 0 where the cursor stands in an empty row.
    ///   - message: what is to stay above the block, a line or several, each with its end.
    ///   - isLeft: whether the cursor goes below the block, which stays.
    package func text(replacing before: Int, above message: String = "", isLeft: Bool = false) -> String {
        let up = before > 1 ? "\u{1B}[\(before - 1)A" : ""
        let head = message.isEmpty ? "\r\(up)" : "\r\(up)\u{1B}[J\(message)"
        return head + lines.joined(separator: "\u{1B}[K\r\n") + "\u{1B}[J" + (isLeft && !lines.isEmpty ? "\r\n" : "")
    }
}
