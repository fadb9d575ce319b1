import HLFormats

/// What the header of a stream says, for people and for programs.
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
        for entry in header.history {
            let seed = entry.seed.map { " (seed \($0))" } ?? ""
            let command = ([entry.tool ?? "?"] + entry.arguments.map(Self.quoted)).joined(separator: " ")
            lines.append("history    \(command)\(seed), version \(entry.version ?? "?")")
        }
        return Self.text(lines)
    }

    private static func text(_ lines: [String]) -> String {
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

    var json: JSONObject {
        var object: JSONObject = ["version": .integer(Int64(header.version))]
        object["generator"] = header.generator
        object["data"] = header.data
        for (key, value) in own.members { object[key] = value }
        return object
    }

    /// The part that streams which are joined need not have in common.
    var own: JSONObject {
        var object = JSONObject()
        object["latent"] = header.latent
        if !header.metadata.isEmpty {
            var metadata = JSONObject()
            for (key, value) in header.metadata.sorted(by: { $0.key < $1.key }) { metadata[key] = .string(value) }
            object["metadata"] = .object(metadata)
        }
        object["history"] = .array(header.history.map { .object($0.json) })
        return object
    }
}
