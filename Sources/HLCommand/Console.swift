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

    static func error(_ failure: Failure) {
        // What all processes have found the first one says, and ends the others.
        if isOther { sleep(1) }
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

    /// Replaces the progress line; an empty text removes it.
    static func showLine(_ text: String) {
        emit("\r\u{1B}[K" + printable(String(text.prefix(terminalWidth - 1))))
        hasOpenLine.store(!text.isEmpty, ordering: .relaxed)
    }

    /// Ends the progress line, if there is one, so that the prompt does not stand behind it.
    static func endLine() {
        if hasOpenLine.exchange(false, ordering: .relaxed) { emit("\n") }
    }

    static func writePlain(_ message: String) { write(message) }

    private static func write(_ message: String) {
        endLine()
        emit("\(tool): \(printable(oneLine(message)))\n")
    }

    /// One call of write, so that lines of several programs on one terminal do not mix.
    private static func emit(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Columns of the terminal that stderr is.
    static var terminalWidth: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
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
