import Glibc
import HLTensor

/// The shells for which `--generate-completion-script` prints what they complete.
package enum CompletionScript {
    /// The option that asks for one. It is in no help: `make install` is who uses it.
    private static let option = "--generate-completion-script"

    /// The script that a command line asks for; nil where it asks for none.
    /// - Parameter family: all that the program can be called as, the first of them also without a name.
    /// - Throws: `Failure(.usage)` for a shell that we know nothing of.
    package static func asked(by arguments: [String], of family: () -> [CommandDescription]) throws -> String? {
        guard let first = arguments.first, first == option || first.hasPrefix(option + "=") else { return nil }
        let stated = first == option ? arguments.dropFirst().first : String(first.dropFirst(option.count + 1))
        let shell =
            stated ?? getenv("SHELL").map { String(cString: $0) }.flatMap { $0.split(separator: "/").last }
            .map(String.init) ?? ""
        switch shell {
        case "bash": return BashCompletion(family()).script
        case "zsh": return ZshCompletion(family()).script
        case "fish": return FishCompletion(family()).script
        default: throw Failure(.usage, "there are no completions for '\(shell)'", "choose one of bash, zsh, fish")
        }
    }
}
