/// What the three have in common.
protocol CompletionScriptMaker {
    var family: [CommandDescription] { get }
}

extension CompletionScriptMaker {
    /// `hl-train`
    var program: String { family.first?.name ?? "" }

    /// `_hl_train`
    var function: String { "_" + identifier(program) }

    /// The first arguments that choose the members of the family.
    var words: [String] { family.map(\.word) }

    var hasSubcommands: Bool { family.count > 1 }

    func identifier(_ text: String) -> String { String(text.map { $0 == "-" || $0 == " " ? "_" : $0 }) }
}

extension CommandDescription {
    var options: [Argument] { arguments.filter { $0.kind == .option } }
    var positional: [Argument] { arguments.filter { $0.kind == .positional } }
    /// Of everything but positional arguments.
    var optionNames: [String] { arguments.flatMap(\.names) }
}

/// As one word of a shell.
func shellQuoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
