/// What fish completes.
struct FishCompletion: CompletionScriptMaker {
    let family: [CommandDescription]

    init(_ family: [CommandDescription]) { self.family = family }

    var script: String {
        """
        # Completions of \(program) for fish, made by: \(program) --generate-completion-script fish

        \(chosenCommand)\(family.map(lines).joined())
        """
    }

    /// Whether the command is the one that is named, or the first where none is.
    private var chosenCommand: String {
        guard hasSubcommands else { return "" }
        return """
            function _\(function)_is
                set -l words (commandline -opc)
                set -l command \(words[0])
                if set -q words[2]; and contains -- $words[2] \(words.joined(separator: " "))
                    set command $words[2]
                end
                test $command = $argv[1]
            end

            \(commands)

            """
    }

    private var commands: String {
        family.map { command in
            "complete -c \(program) -n 'test (count (commandline -opc)) -eq 1' -a \(command.word) "
                + "-d \(Self.quoted(command.abstract))\n"
        }.joined()
    }

    private func lines(_ command: CommandDescription) -> String {
        let condition = hasSubcommands ? " -n '_\(function)_is \(command.word)'" : ""
        let start = "complete -c \(program)\(condition)"
        let options = command.arguments.filter { $0.kind != .positional }.map { argument in
            let names = argument.names.map { name in
                name.hasPrefix("--") ? " -l \(name.dropFirst(2))" : " -s \(name.dropFirst())"
            }.joined()
            // A flag and its opposite are two words for fish, not two names of one.
            let split = argument.kind == .flag && argument.names.contains { $0.hasPrefix("--no-") }
            let all = split ? argument.names.map { " -l \($0.dropFirst(2))" } : [names]
            return all.map { "\(start)\($0)\(value(argument)) -d \(Self.quoted(argument.summary))\n" }.joined()
        }
        return (command.positional.isEmpty ? ["\(start) -f\n"] : []).joined() + options.joined()
    }

    private func value(_ argument: CommandDescription.Argument) -> String {
        guard argument.kind == .option else { return "" }
        switch argument.completion {
        case .nothing: return " -x"
        case .files: return " -r -F"
        case .folders: return " -x -a '(__fish_complete_directories)'"
        case .values(let values):
            let goesOn = values.contains { $0.hasSuffix(":") }
            return "\(goesOn ? " -r -F" : " -x") -a \(Self.quoted(values.joined(separator: " ")))"
        }
    }

    private static func quoted(_ text: String) -> String {
        "'" + String(text.flatMap { "'\\".contains($0) ? ["\\", $0] : [$0] }) + "'"
    }
}
