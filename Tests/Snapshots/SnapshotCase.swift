import Foundation

/// A file of `cases`: commands, each with what it prints and the status with which it ends. `README.md` has the format.
struct SnapshotCase: Equatable {
    /// Lines that say what the case is about, and empty ones, stay where they are.
    enum Part: Equatable {
        case prose(String)
        case step(SnapshotStep)
    }

    enum Problem: Error, CustomStringConvertible {
        case line(Int, String)
        case noCommand
        case checksNothing(String)

        var description: String {
            switch self {
            case .line(let number, let line): "line \(number) begins like no line of a case: \(line)"
            case .noCommand: "a case without a command"
            case .checksNothing(let command): "whatever this prints would do: \(command)"
            }
        }
    }

    var parts: [Part] = []

    var steps: [SnapshotStep] {
        parts.compactMap { part in
            if case .step(let step) = part { step } else { nil }
        }
    }

    init(parsing text: String) throws {
        var step: SnapshotStep?
        func flush() {
            if let step { parts.append(.step(step)) }
            step = nil
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            func content(after mark: String) -> String? {
                if line == mark { return "" }
                return line.hasPrefix(mark + " ") ? String(line.dropFirst(mark.count + 1)) : nil
            }
            if let command = content(after: "$") {
                flush()
                step = SnapshotStep(command: [command])
            } else if line.isEmpty || content(after: "#") != nil {
                flush()
                parts.append(.prose(line))
            } else if let more = content(after: ">"), step?.isOnlyCommand == true {
                step?.command.append(more)
            } else if let output = content(after: "|"), step != nil {
                step?.output.append(output)
            } else if let error = content(after: "!"), step != nil {
                step?.errors.append(error)
            } else if let status = content(after: "=").flatMap({ Int32($0) }), status != 0, step?.status == 0 {
                step?.status = status
            } else {
                throw Problem.line(index + 1, line)
            }
        }
        flush()
        guard !steps.isEmpty else { throw Problem.noCommand }
        for step in steps where step.checksNothing { throw Problem.checksNothing(step.command.joined(separator: "\n")) }
    }

    /// The file.
    var text: String {
        parts.map { part in
            switch part {
            case .prose(let line): line + "\n"
            case .step(let step): step.text
            }
        }.joined()
    }
}

/// One command with its expectations, or with what came of it.
struct SnapshotStep: Equatable {
    var command: [String]
    var output: [String] = []
    var errors: [String] = []
    var status: Int32 = 0

    fileprivate var isOnlyCommand: Bool { output.isEmpty && errors.isEmpty && status == 0 }

    /// Stands for output that is no text, and in no case: what reads it shows it.
    static let binary = "(binary)"

    /// A pattern for all that may be printed with a status that says nothing either, or output that nobody can read.
    fileprivate var checksNothing: Bool {
        let lines = output + errors
        return output.contains(Self.binary)
            || status == 0 && !lines.isEmpty && lines.allSatisfy { $0 == Pattern.anyLines || $0 == Pattern.anything }
    }

    var text: String {
        func marked(_ mark: String, _ line: String) -> String { line.isEmpty ? mark + "\n" : "\(mark) \(line)\n" }
        return marked("$", command[0]) + command.dropFirst().map { marked(">", $0) }.joined()
            + output.map { marked("|", $0) }.joined() + errors.map { marked("!", $0) }.joined()
            + (status == 0 ? "" : "= \(status)\n")
    }

    /// What came of it, in the words of this step as far as they match: equal to the step if all is as expected.
    func found(output: [UInt8], errors: String, status: Int32) -> SnapshotStep {
        let text = String(validating: output.contains(0) ? [0xFF] : output, as: UTF8.self) ?? Self.binary + "\n"
        return SnapshotStep(
            command: command, output: Pattern.adopting(self.output, Self.lines(text)),
            errors: Pattern.adopting(self.errors, Self.lines(errors)), status: status)
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" {
            lines.removeLast()
        } else {
            lines[lines.count - 1] += " (and no newline)"
        }
        return lines
    }
}

/// Expected lines in which some things may vary.
enum Pattern {
    /// Inside a line: any characters, none included.
    static let anything = "<*>"
    /// A line by itself: any lines, none included.
    static let anyLines = "<...>"

    /// - Returns: the patterns if they match; else the lines, each in the words of the pattern that stands in its place
    ///   if that matches it.
    static func adopting(_ patterns: [String], _ lines: [String]) -> [String] {
        if matches(patterns[...], lines[...]) { return patterns }
        return lines.enumerated().map { index, line in
            index < patterns.count && patterns[index] != anyLines && matches(patterns[index], line)
                ? patterns[index] : line
        }
    }

    private static func matches(_ patterns: ArraySlice<String>, _ lines: ArraySlice<String>) -> Bool {
        guard let first = patterns.first else { return lines.isEmpty }
        if first == anyLines {
            return (lines.startIndex...lines.endIndex).contains { matches(patterns.dropFirst(), lines[$0...]) }
        }
        guard let line = lines.first, matches(first, line) else { return false }
        return matches(patterns.dropFirst(), lines.dropFirst())
    }

    static func matches(_ pattern: String, _ line: String) -> Bool {
        let fixed = pattern.components(separatedBy: anything)
        guard fixed.count > 1 else { return pattern == line }
        var rest = line[...]
        guard rest.hasPrefix(fixed[0]) else { return false }
        rest = rest.dropFirst(fixed[0].count)
        for part in fixed.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.range(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(fixed[fixed.count - 1])
    }
}
