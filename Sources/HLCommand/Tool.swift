import ArgumentParser
import CSystem
import Glibc
import HLFormats
import HLTensor

/// A program of this family: an options struct with `validate()` and a short `run()`.
///
/// `validate()` and `run()` throw `Failure`; `runTool` prints it and picks the exit status.
package protocol Tool: ParsableCommand {
    var shared: SharedOptions { get }

    /// What the user can do where memory does not suffice: the options to lower.
    static var memoryRemedy: String { get }
}

extension Tool {
    package static var memoryRemedy: String { "lower --threads" }

    /// A program's name, what it does in one line, and more of it for `--help`.
    package static func describe(
        _ name: String, _ abstract: String, discussion: String = ""
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion, version: "\(name) \(Version.number)")
    }
}

/// The main of every program: parses the arguments, runs, reports, exits.
///
/// Exit statuses are those of `sysexits.h` (`Failure.Kind`). A reader of ours that has gone is no error: the program
/// ends silently with 0. Files that are not complete are removed, also on SIGINT, SIGTERM and SIGHUP, and where memory
/// runs out.
///
/// - Parameter arguments: without the program's name; nil takes those of the command line.
package func runTool<Program: Tool>(_ type: Program.Type, arguments: [String]? = nil) -> Never {
    hl_signals_install()
    Console.tool = type.configuration.commandName ?? CommandLine.arguments[0]
    Memory.watch(program: Console.tool, remedy: type.memoryRemedy)
    let status: Int32
    do {
        var program = try parsed(type, arguments)
        Console.configure(program.shared)
        try Memory.keepRoom(threads: program.shared.threadCount + helperThreads)
        try program.run()
        status = 0
    } catch {
        // Before the message: who reads it may look for the file at once.
        hl_temporaries_remove()
        status = report(error)
    }
    Console.endLine()
    exit(status)
}

/// Threads beside those that compute: one that reads ahead, one that hashes weights, and one that the queues of the
/// system keep for themselves.
private let helperThreads = 3

/// A program that was asked for text only, such as `--help`.
private struct TextRequest: Error {
    let text: String
}

/// The main of a program that has several: the first argument names one, or nothing does and the first of them runs.
///
/// Each keeps a help of its own, and what worked before there were several works as it did.
package func runTool(oneOf tools: [(name: String, type: any Tool.Type)]) -> Never {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let named = tools.first(where: { $0.name == arguments.first }) {
        runTool(named.type, arguments: Array(arguments.dropFirst()))
    }
    runTool(tools[0].type)
}

private func parsed<Program: Tool>(_ type: Program.Type, _ arguments: [String]?) throws -> Program {
    do {
        var command = try type.parseAsRoot(arguments)
        if let program = command as? Program { return program }
        // The parser's own command for help, which throws its text.
        try command.run()
        throw CleanExit.message("")
    } catch let failure as Failure {
        throw failure
    } catch {
        let message = type.message(for: error)
        if type.exitCode(for: error) == .success {
            throw TextRequest(text: message == type.configuration.version ? Version.text(message) : message)
        }
        if let failure = failure(inside: error) { throw failure }
        throw Failure(.usage, Console.oneLine(message), "see '\(Console.tool) --help'")
    }
}

/// A `Failure` that an option or `validate()` threw and that the parser has wrapped into errors of its own, which are
/// not public.
private func failure(inside value: Any, depth: Int = 0) -> Failure? {
    if let failure = value as? Failure { return failure }
    guard depth < 4 else { return nil }
    for child in Mirror(reflecting: value).children {
        if let found = failure(inside: child.value, depth: depth + 1) { return found }
    }
    return nil
}

/// Prints the one line of an error.
/// - Returns: the exit status.
private func report(_ error: any Error) -> Int32 {
    switch error {
    case let request as TextRequest:
        do {
            try Console.printOutput(request.text.hasSuffix("\n") ? request.text : request.text + "\n")
            return 0
        } catch {
            return report(error)
        }
    case let failure as Failure:
        Console.error(failure)
        return failure.kind.rawValue
    case is BrokenPipe: return 0
    case let code as ExitCode: return code.rawValue
    case let invalid as ValidationError:
        Console.error(Failure(.usage, Console.oneLine(invalid.message), "see '\(Console.tool) --help'"))
        return Failure.Kind.usage.rawValue
    default:
        Console.error(Failure(.software, Console.oneLine(String(describing: error)), "report this defect"))
        return Failure.Kind.software.rawValue
    }
}
