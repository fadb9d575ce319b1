/// What zsh completes. The file is an autoloaded function (`#compdef`), and may be sourced too.
struct ZshCompletion: CompletionScriptMaker {
    let family: [CommandDescription]

    init(_ family: [CommandDescription]) { self.family = family }

    var script: String {
        """
        #compdef \(program)
        # Completions of \(program) for zsh, made by: \(program) --generate-completion-script zsh

        \(family.map(arguments).joined(separator: "\n"))
        \(family.flatMap { command in command.options.compactMap { values(of: $0, in: command) } }.joined())\
        \(function)() {
        \(dispatch)}

        if [[ ${funcstack[1]-} == _\(program) ]]; then
            \(function) "$@"
        else
            compdef \(function) \(program)
        fi

        """
    }

    private func function(of command: CommandDescription) -> String { "\(function)_\(command.word)" }

    /// The function of one command.
    private func arguments(_ command: CommandDescription) -> String {
        var specifications = command.arguments.filter { $0.kind != .positional }.map { specification($0, command) }
        for argument in command.positional {
            let isFirst = hasSubcommands && command.word == words.first
            specifications.append(
                "'\(argument.isRepeating ? "*" : ":"):\(argument.valueName):\(isFirst ? "\(function)_first" : "_files")'"
            )
        }
        return """
            \(function(of: command))() {
                _arguments -s -S : \\
                    \(specifications.joined(separator: " \\\n        "))
            }

            """
    }

    /// One option in the form of `_arguments`: the names that exclude each other, the names, what it does, its value.
    private func specification(_ argument: CommandDescription.Argument, _ command: CommandDescription) -> String {
        let names = argument.names.map { name in
            argument.kind == .flag ? name : name.hasPrefix("--") ? name + "=" : name + "+"
        }
        let exclusion = argument.isRepeating ? "'*'" : "'(\(argument.names.joined(separator: " ")))'"
        let alternatives = names.count == 1 ? names[0] : "{\(names.joined(separator: ","))}"
        return exclusion + alternatives + Self.quoted("[\(Self.escaped(argument.summary))]" + value(argument, command))
    }

    private func value(_ argument: CommandDescription.Argument, _ command: CommandDescription) -> String {
        guard argument.kind == .option else { return "" }
        let start = ":\(Self.escaped(argument.valueName)):"
        switch argument.completion {
        case .nothing: return start + " "
        case .files: return start + "_files"
        case .folders: return start + "_files -/"
        case .values(let values):
            return start
                + (values.contains { $0.hasSuffix(":") }
                    ? valueFunction(argument, command) : "(\(values.joined(separator: " ")))")
        }
    }

    private func valueFunction(_ argument: CommandDescription.Argument, _ command: CommandDescription) -> String {
        "\(function(of: command))_\(identifier(String((argument.names.last ?? "").drop { $0 == "-" })))_value"
    }

    /// A function for values that go on behind a colon.
    private func values(of argument: CommandDescription.Argument, in command: CommandDescription) -> String? {
        guard case .values(let values) = argument.completion, values.contains(where: { $0.hasSuffix(":") }) else {
            return nil
        }
        let whole = values.filter { !$0.hasSuffix(":") }.map(shellQuoted).joined(separator: " ")
        let begun = values.filter { $0.hasSuffix(":") }.map(shellQuoted).joined(separator: " ")
        return """
            \(valueFunction(argument, command))() {
                if compset -P '*:'; then
                    _files
                else
                    compadd -S '' -- \(begun)\(whole.isEmpty ? "" : "\n        compadd -- \(whole)")
                fi
            }


            """
    }

    private var dispatch: String {
        guard hasSubcommands, let first = family.first else {
            return family.first.map { "    \(function(of: $0)) \"$@\"\n" } ?? "    :\n"
        }
        return """
                if ((CURRENT > 2)) && [[ $words[2] == (\(words.joined(separator: "|"))) ]]; then
                    local chosen=$words[2]
                    shift words
                    ((CURRENT -= 1))
                    \(function)_$chosen "$@"
                else
                    \(function(of: first)) "$@"
                fi
            }

            \(function)_first() {
                if ((CURRENT == 2)); then
                    _alternative 'commands:command:(\(words.joined(separator: " ")))' 'files:stream:_files'
                else
                    _files
                fi

            """
    }

    /// In brackets or between colons of a specification.
    private static func escaped(_ text: String) -> String {
        String(text.flatMap { "[]:\\".contains($0) ? ["\\", $0] : [$0] })
    }

    private static func quoted(_ text: String) -> String { shellQuoted(text) }
}
