/// What bash completes. File names are left to readline, which knows about folders, spaces and `~`.
struct BashCompletion: CompletionScriptMaker {
    let family: [CommandDescription]

    init(_ family: [CommandDescription]) { self.family = family }

    var script: String {
        """
        # Completions of \(program) for bash, made by: \(program) --generate-completion-script bash

        \(function)() {
            local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=\(words.first ?? "")
            COMPREPLY=()
            # What stands behind = or : is a word of its own here.
            if [[ $word == [=:] ]]; then
                local sign=$word
                word=
            elif [[ $before == [=:] ]]; then
                local sign=$before
                before=${COMP_WORDS[COMP_CWORD - 2]}
            fi
            if [[ ${sign-} == : ]]; then
                compopt -o default
                return
            fi
        \(chosenCommand)    case $command:$before in
        \(cases)    esac
            if [[ $word == -* ]]; then
                case $command in
        \(options)        esac
                return
            fi
        \(positional)}

        complete -F \(function) \(program)

        """
    }

    /// The first argument may name another command than the default one.
    private var chosenCommand: String {
        guard hasSubcommands else { return "" }
        return """
                if ((COMP_CWORD > 1)); then
                    case ${COMP_WORDS[1]} in \(words.joined(separator: " | "))) command=${COMP_WORDS[1]} ;; esac
                fi

            """
    }

    /// What an option takes.
    private var cases: String {
        family.map { command in
            command.options.map { option in
                let names = option.names.map { "\(command.word):\($0)" }.joined(separator: " | ")
                return "        \(names))\n\(action(option.completion))            return\n            ;;\n"
            }.joined()
        }.joined()
    }

    private func action(_ completion: CommandDescription.Argument.Completion) -> String {
        switch completion {
        case .nothing: return ""
        case .files: return "            compopt -o default\n"
        case .folders: return "            compopt -o dirnames\n"
        case .values(let values):
            // Behind a colon the value goes on.
            let goesOn = values.contains { $0.hasSuffix(":") }
            return "            COMPREPLY=($(compgen -W \(shellQuoted(values.joined(separator: " "))) -- \"$word\"))\n"
                + (goesOn ? "            [[ ${COMPREPLY[0]-} == *: ]] && compopt -o nospace\n" : "")
        }
    }

    private var options: String {
        family.map { command in
            """
                        \(command.word)) COMPREPLY=($(compgen -W '\(command.optionNames.joined(separator: " "))' -- "$word")) ;;

            """
        }.joined()
    }

    private var positional: String {
        let takesFiles = family.contains { !$0.positional.isEmpty }
        guard hasSubcommands else { return takesFiles ? "    compopt -o default\n" : "    :\n" }
        return """
                if ((COMP_CWORD == 1)); then
                    compopt -o filenames
                    mapfile -t COMPREPLY < <(compgen -W '\(words.joined(separator: " "))' -- "$word"; compgen -f -- "$word")
                else
                    compopt -o default
                fi

            """
    }
}
