import Glibc

/// A process, told from a later one of the same number by when it began.
package struct ProcessIdentity: Equatable, Sendable {
    package let number: Int32
    /// In ticks since the machine was started; 0 where nobody knows.
    package let start: UInt64

    package static let own = ProcessIdentity(number: getpid(), start: state(of: getpid())?.start ?? 0)

    package init(number: Int32, start: UInt64) {
        self.number = number
        self.start = start
    }

    /// Whether it still runs; one that has ended and was not asked for does not.
    package var isAlive: Bool {
        guard kill(number, 0) == 0 || errno == EPERM else { return false }
        guard let state = Self.state(of: number) else { return true }
        return state.letter != "Z" && state.letter != "X" && (start == 0 || state.start == start)
    }

    /// From `/proc/NUMBER/stat`; nil where it cannot be read.
    private static func state(of number: Int32) -> (letter: Character, start: UInt64)? {
        let descriptor = open("/proc/\(number)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        // A name in brackets, with whatever in it, is the second field; the letter is the third, the time the 22nd.
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let letter = fields[0].first, let start = UInt64(fields[19]) else { return nil }
        return (letter, start)
    }
}

/// What a program has to say on a terminal that it shares with others, in one line.
package struct StatusLine: Equatable, Sendable {
    package var process: ProcessIdentity
    /// Its process group: a shell gives each pipeline one, and the terminal to one of them.
    package var group: Int32
    /// Whether its output goes into no pipe: it is the last of a pipeline, and the others show with it.
    package var isLast: Bool
    /// Whether it has done its work, and stays on the screen until the last one has.
    package var isDone = false
    /// nil where nobody knows yet.
    package var waits: WaitShares?
    package var tool: String
    /// Without control characters.
    package var text: String

    /// Of a pipeline in its order, as a shell starts it.
    package static func isBefore(_ a: StatusLine, _ b: StatusLine) -> Bool {
        (a.process.start, a.process.number) < (b.process.start, b.process.number)
    }

    // MARK: In a file

    /// One line, its fields separated by tabs.
    package var record: String {
        let numbers = [
            "\(process.number)", "\(process.start)", "\(group)", isLast ? "1" : "0", isDone ? "1" : "0",
            waits.map { "\($0.input)" } ?? "", waits.map { "\($0.output)" } ?? "",
        ]
        let texts = [tool, text].map { String($0.map { $0 == "\t" || $0.isNewline ? " " : $0 }) }
        return (numbers + texts).joined(separator: "\t")
    }

    /// Reads one; nil for what is none, such as what a program wrote that was killed in the middle of it.
    package init?(record: Substring) {
        let fields = record.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 9, let number = Int32(fields[0]), number > 0, let start = UInt64(fields[1]),
            let group = Int32(fields[2])
        else { return nil }
        process = ProcessIdentity(number: number, start: start)
        self.group = group
        isLast = fields[3] == "1"
        isDone = fields[4] == "1"
        if let input = Int(fields[5]), let output = Int(fields[6]) { waits = WaitShares(input: input, output: output) }
        tool = fields[7]
        text = fields[8]
    }

    package init(
        process: ProcessIdentity, group: Int32, isLast: Bool, waits: WaitShares? = nil, tool: String, text: String
    ) {
        self.process = process
        self.group = group
        self.isLast = isLast
        self.waits = waits
        self.tool = tool
        self.text = text
    }
}
