import HLFormats

/// What the header of a stream says, for people.
struct HeaderDescription {
    let header: StreamHeader

    /// One line for each thing, ended by a line break.
    var text: String {
        var lines = ["version    \(header.version)"]
        if let generator = header.generator { lines.append("generator  \(generator.text)") }
        if let data = header.data { lines.append("data       \(data.text)") }
        return Self.text(lines) + ownText
    }

    /// The part that streams which are joined need not have in common.
    var ownText: String {
        var lines: [String] = []
        if let latent = header.latent { lines.append("latent     \(latent.text)") }
        for (key, value) in header.metadata.sorted(by: { $0.key < $1.key }) { lines.append("\(key)  \(value)") }
        return Self.text(lines + Self.lines(of: header.history))
    }

    /// A line for each program, with its command as a shell would need it.
    static func lines(of history: [HistoryEntry]) -> [String] {
        history.map { entry in
            let seed = entry.seed.map { " (seed \($0))" } ?? ""
            let command = ([entry.tool ?? "?"] + entry.arguments.map(quoted)).joined(separator: " ")
            return "history    \(command)\(seed), version \(entry.version ?? "?")"
        }
    }

    static func text(_ lines: [String]) -> String {
        lines.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n" }.joined()
    }

    /// As a shell would need it.
    private static func quoted(_ argument: String) -> String {
        let isPlain =
            !argument.isEmpty
            && argument.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "-_./=:,+@%".utf8.contains($0)
            }
        return isPlain
            ? argument
            : "'"
                + argument.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }
}
