import Glibc
import HLFormats
import HLTensor
import Synchronization

/// The one way to the terminal: messages of one line each on stderr, text for people or programs on stdout.
package enum Console {
    // Set by `runTool` before anything else runs.
    nonisolated(unsafe) static var tool = "hl"
    nonisolated(unsafe) private(set) static var isQuiet = false
    /// Whether another process speaks for this one too.
    nonisolated(unsafe) private static var isOther = false
    nonisolated(unsafe) private(set) static var isVerbose = false
    nonisolated(unsafe) private(set) static var wantsProgress = false
    /// Whether the cursor stands behind a progress line. Other threads than the one of the line may warn.
    private static let hasOpenLine = Atomic(false)
    /// Whether there will be no line any more: a thread that renews it may still be about to.
    private static let isClosed = Atomic(false)

    static func configure(_ options: SharedOptions) {
        isQuiet = options.quiet
        isVerbose = options.verbose
        wantsProgress = options.progress
    }

    /// Of processes that work together the first one speaks for all. Another one says only what goes wrong with it, and which
    /// it is.
    package static func speak(asRank rank: Int) {
        guard rank > 0 else { return }
        isOther = true
        tool += ": rank \(rank)"
        isQuiet = true
    }

    /// Something the user should know; not shown under `--quiet`.
    package static func warn(_ message: String) {
        if !isQuiet { write("warning: \(message)") }
    }

    /// A setting or step that is in use; shown under `--verbose`.
    package static func note(_ message: @autoclosure () -> String) {
        if isVerbose { write(message()) }
    }

    /// A result or event of a long run, such as a checkpoint written; not shown under `--quiet`.
    package static func inform(_ message: String) {
        if !isQuiet { write(message) }
    }

    /// The last that a program says: below its progress.
    static func error(_ failure: Failure) {
        // What all processes have found the first one says, and ends the others.
        if isOther { sleep(1) }
        endLine()
        write("error: \(failure)")
    }

    /// Text on standard output, what is not printable in it escaped.
    /// - Throws: `BrokenPipe`, or `Failure` (inputOutput).
    package static func printOutput(_ text: String) throws {
        var text = printable(text)
        try text.withUTF8 {
            try FileDescriptorSink(descriptor: STDOUT_FILENO, name: "stdout").write(UnsafeRawBufferPointer($0))
        }
    }

    /// Replaces the progress line, among those of the programs that share the terminal where there are some.
    /// - Parameters:
    ///   - waits: what is said beside other programs.
    ///   - isFinal: whether it is the one to leave.
    static func showLine(_ text: String, waits: WaitShares?, isFinal: Bool) {
        guard !isClosed.load(ordering: .relaxed) else { return }
        let text = printable(text)
        hasOpenLine.store(!isFinal, ordering: .relaxed)
        guard let board = StatusBoard.shared else {
            return TerminalScreen.emit(
                "\r\u{1B}[K" + String("\(tool): \(text)".prefix(TerminalScreen.width - 1)) + (isFinal ? "\n" : ""))
        }
        let line = StatusLine(
            process: .own, group: getpgrp(), isLast: !TerminalScreen.outputIsPiped || wantsProgress, waits: waits,
            tool: tool,
            text: text)
        // What comes again in a moment waits for nobody.
        _ = board.change(isFinal ? .finish(line) : .show(line), patience: isFinal ? 200 : 0)
    }

    /// Ends the progress line for good, if there is one, so that the prompt does not stand behind it.
    static func endLine() {
        isClosed.store(true, ordering: .relaxed)
        guard hasOpenLine.exchange(false, ordering: .relaxed) else { return }
        guard let board = StatusBoard.shared else { return TerminalScreen.emit("\n") }
        _ = board.change(.leave, patience: 200)
    }

    static func writePlain(_ message: String) { write(message) }

    private static func write(_ message: String) {
        let line = "\(tool): \(printable(oneLine(message)))\n"
        if let board = StatusBoard.shared, board.change(.say(line), patience: 100) { return }
        if hasOpenLine.exchange(false, ordering: .relaxed) { TerminalScreen.emit("\n") }
        TerminalScreen.emit(line)
    }

    /// The text without line breaks, beginning in lower case unless its first word is an acronym or a name in quotes.
    static func oneLine(_ text: String) -> String {
        var line = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }.joined(separator: " ")
        while line.hasSuffix(".") || line.hasSuffix(" ") { line.removeLast() }
        guard let first = line.first, first.isUppercase, line.dropFirst().first?.isLowercase ?? false else {
            return line
        }
        return first.lowercased() + line.dropFirst()
    }
}

/// A warning on stderr: `hl-x: warning: …`.
package func warn(_ message: String) { Console.warn(message) }
