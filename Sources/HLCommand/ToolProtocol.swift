import ArgumentParser

/// A program of this family: an options struct with `validate()` and a short `run()`.
///
/// `validate()` and `run()` throw `Failure`; `runTool` prints it and picks the exit status.
package protocol Tool: ParsableCommand {
    var shared: SharedOptions { get }

    /// What the user can do where memory does not suffice: the options to lower.
    static var memoryRemedy: String { get }

    /// Command lines for the end of `--help`; the man page has them too, with what they are for.
    static var examples: [String] { get }
}

extension Tool {
    package static var memoryRemedy: String { "lower --threads" }
    package static var examples: [String] { [] }

    /// A program's name, what it does in one line, and more of it for `--help`.
    package static func describe(
        _ name: String, _ abstract: String, discussion: String = ""
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion, version: "\(name) \(Version.number)")
    }
}
