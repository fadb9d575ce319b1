import ArgumentParser
import CSystem
import Glibc
import HLFormats
import HLTensor

/// The main of every program: parses the arguments, runs, reports, exits.
///
/// Exit statuses are those of `sysexits.h` (`Failure.Kind`). A reader of ours that has gone is no error: the program
/// ends silently with 0. Files that are not complete are removed, also on every signal that ends a process but SIGKILL,
/// and where memory runs out.
///
/// - Parameters:
///   - arguments: without the program's name; nil takes those of the command line.
///   - family: all that the program can be called as, where it is several.
package func runTool<Program: Tool>(
    _ type: Program.Type, arguments: [String]? = nil, of family: [(name: String, type: any Tool.Type)] = []
) -> Never {
    let begin = Progress.now()
    hl_signals_install()
    Console.tool = type.configuration.commandName ?? CommandLine.arguments[0]
    Notice.print { Console.warn($0) }
    Memory.watch(program: Console.tool, remedy: type.memoryRemedy)
    do {
        var program = try parsed(type, arguments ?? Array(CommandLine.arguments.dropFirst()), of: family)
        Console.configure(program.shared)
        Recording.prepare(since: begin, threads: program.shared.threadCount)
        try Memory.keepRoom(threads: program.shared.threadCount + Machine.helperThreads)
        try requireThreads(program.shared.threadCount)
        try program.run()
        Recording.end()
    } catch {
        endTool(after: error)
    }
    Console.endLine()
    exit(0)
}

/// Reports an error, and ends the program with its status. Any thread may call it.
package func endTool(after error: any Error) -> Never {
    // Before the message: who reads it may look for the file at once.
    hl_temporaries_remove()
    Recording.end(after: error)
    let status = report(error)
    Console.endLine()
    exit(status)
}

/// Those of our own kernels, which the queues of the system start and wait for for ever where they cannot have one.
private func requireThreads(_ count: Int) throws(Failure) {
    if count > 1 { try Machine.requireThreads(count - 1 + Machine.helperThreads, for: "this program") }
}

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
        runTool(named.type, arguments: Array(arguments.dropFirst()), of: tools)
    }
    runTool(tools[0].type, of: tools)
}

/// - Throws: `TextRequest` where text is asked for only; `Failure(.usage)`, or what `validate()` throws.
private func parsed<Program: Tool>(
    _ type: Program.Type, _ arguments: [String], of family: [(name: String, type: any Tool.Type)]
) throws -> Program {
    // What the declarations say is put together only where somebody asks.
    func description() -> CommandDescription { CommandDescription(type) }
    func relatives() -> [CommandDescription] {
        family.isEmpty ? [description()] : family.map { CommandDescription($0.type, word: $0.name) }
    }
    if let script = try CompletionScript.asked(by: arguments, of: relatives) { throw TextRequest(text: script) }
    let isPlain = !CommandLineForm.isNeeded(arguments)
    do {
        let line = isPlain ? arguments : CommandLineForm(description()).normalised(arguments)
        if let program = try type.parseAsRoot(line) as? Program { return program }
        // Anything else is the parser's own command for help.
        throw TextRequest(text: HelpText(description(), of: relatives()).text())
    } catch let request as TextRequest {
        throw request
    } catch let failure as Failure {
        throw failure
    } catch {
        let message = type.message(for: error)
        if type.exitCode(for: error) == .success {
            throw TextRequest(text: message == type.configuration.version ? Version.text(message) : message)
        }
        if let failure = failure(inside: error) { throw failure }
        throw Complaint(description()).failure(message)
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
    case is Interrupted: return Termination.leave().rawValue
    case let code as ExitCode: return code.rawValue
    case let invalid as ValidationError:
        Console.error(Failure(.usage, Console.oneLine(invalid.message), "see '\(Console.tool) --help'"))
        return Failure.Kind.usage.rawValue
    default:
        Console.error(Failure(.software, Console.oneLine(String(describing: error)), "report this defect"))
        return Failure.Kind.software.rawValue
    }
}
