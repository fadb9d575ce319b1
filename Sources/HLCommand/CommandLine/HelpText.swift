import Glibc

/// What `--help` prints: what the program does and how it is called, its own options, then the common ones, and
/// examples.
package struct HelpText {
    private let command: CommandDescription
    /// All that one program can be called as, where it is several; this one included.
    private let family: [CommandDescription]

    package init(_ command: CommandDescription, of family: [CommandDescription]) {
        self.command = command
        self.family = family
    }

    private static let commonSection = "Common options"
    private static let labelWidth = 26

    /// - Parameter width: of the lines; nil takes the terminal's, or 80.
    package func text(width: Int? = nil) -> String {
        let width = (width ?? Self.terminalWidth) - 1
        var parts = [Self.wrapped("OVERVIEW: \(command.abstract)", width: width)]
        if !command.discussion.isEmpty { parts.append(Self.wrapped(command.discussion, width: width)) }
        parts.append(usage)
        for section in sections {
            let lines = section.arguments.map { Self.entry($0.label, $0.help, width: width) }
            parts.append(section.title.uppercased() + ":\n" + lines.joined(separator: "\n"))
        }
        if !command.examples.isEmpty {
            parts.append("EXAMPLES:\n" + command.examples.map { "  " + $0 }.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// One line for each way to call the program, the one that is asked for first.
    private var usage: String {
        let others = family.filter { $0.name != command.name }
        let lines = ([command] + (command.name == family.first?.name ? others : [])).map(Self.synopsis)
        return "USAGE: " + lines.joined(separator: "\n       ")
    }

    /// What has to be given stands by itself, and options that can be left out as one word.
    private static func synopsis(_ command: CommandDescription) -> String {
        let needed = command.arguments.filter { $0.kind == .option && !$0.isOptional }
            .map { "\($0.names.last ?? "") <\($0.valueName)>" }
        let positional = command.arguments.filter { $0.kind == .positional }.map {
            ($0.isOptional ? "[\($0.label)]" : $0.label) + ($0.isRepeating ? " ..." : "")
        }
        return ([command.name] + needed + ["[<options>]"] + positional).joined(separator: " ")
    }

    private var sections: [(title: String, arguments: [CommandDescription.Argument])] {
        let isGeneral: (CommandDescription.Argument) -> Bool = { argument in
            argument.names.contains("--help") || argument.names.contains("--version")
        }
        let positional = command.arguments.filter { $0.kind == .positional }
        let own = command.arguments.filter { $0.kind != .positional && $0.section == nil && !isGeneral($0) }
        var titles: [String] = []
        for case let title? in command.arguments.map(\.section) where !titles.contains(title) { titles.append(title) }
        let titled = titles.filter { $0 != Self.commonSection }.map { title in
            (title, command.arguments.filter { $0.section == title })
        }
        let common = command.arguments.filter { $0.section == Self.commonSection } + command.arguments.filter(isGeneral)
        return ([("Arguments", positional), ("Options", own)] + titled + [(Self.commonSection, common)])
            .filter { !$0.1.isEmpty }
    }

    // MARK: Layout

    private static func entry(_ label: String, _ text: String, width: Int) -> String {
        let indentation = String(repeating: " ", count: labelWidth)
        let body = wrapped(text, width: width - labelWidth).split(separator: "\n").map { indentation + $0 }
        let label = "  " + label
        guard label.count < labelWidth, let first = body.first else { return ([label] + body).joined(separator: "\n") }
        return ([label + first.dropFirst(label.count)] + body.dropFirst()).joined(separator: "\n")
    }

    /// The text with breaks between words; its own line breaks stay.
    static func wrapped(_ text: String, width: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { paragraph in
            var lines = [""]
            for word in paragraph.split(separator: " ") {
                let line = lines[lines.count - 1]
                if line.isEmpty {
                    lines[lines.count - 1] = String(word)
                } else if line.count + 1 + word.count > width {
                    lines.append(String(word))
                } else {
                    lines[lines.count - 1] += " " + word
                }
            }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static var terminalWidth: Int {
        guard let size = TerminalScreen.size(of: STDOUT_FILENO), size.ws_col >= 60 else { return 80 }
        return min(Int(size.ws_col), 120)
    }
}
