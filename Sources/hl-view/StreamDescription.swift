import HLCommand
import HLFormats
import HLTensor

/// What a stream holds, read to its end.
struct StreamDescription {
    private let header: StreamHeader
    private var tensors: [(name: String, type: String, shape: [Int])] = []
    private var batches = 0
    private var samples = 0
    private var bytes = 0

    /// - Throws: as `StreamReader.next()`; a stream that was cut off is an error.
    init(reading reader: StreamReader) throws {
        header = reader.header
        let progress = Progress()
        while let batch = try reader.next() {
            if batches == 0 {
                tensors = batch.tensors.map { ($0.name, $0.tensor.type.rawValue, Array($0.tensor.shape.dropFirst())) }
                    .sorted { $0.0 < $1.0 }
            }
            batches += 1
            samples += batch.count
            bytes += batch.tensors.reduce(0) { $0 + $1.tensor.byteCount }
            progress.advance(by: batch.count)
        }
        progress.finish()
    }

    var text: String {
        var lines = ["version    \(header.version)"]
        if let generator = header.generator { lines.append("generator  \(generator.text)") }
        if let data = header.data { lines.append("data       \(data.text)") }
        if let latent = header.latent { lines.append("latent     \(latent.text)") }
        for (key, value) in header.metadata.sorted(by: { $0.key < $1.key }) { lines.append("\(key)  \(value)") }
        for entry in header.history {
            let seed = entry.seed.map { " (seed \($0))" } ?? ""
            let command = ([entry.tool ?? "?"] + entry.arguments.map(Self.quoted)).joined(separator: " ")
            lines.append("history    \(command)\(seed), version \(entry.version ?? "?")")
        }
        for tensor in tensors {
            let shape = (["B"] + tensor.shape.map(String.init)).joined(separator: " x ")
            lines.append("tensor     \(tensor.name) \(tensor.type) \(shape)")
        }
        lines.append("samples    \(samples) in \(batches) records, \(bytes) bytes of tensors")
        return lines.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n" }.joined()
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

    var json: JSONValue {
        var object: JSONObject = ["version": .integer(Int64(header.version))]
        object["generator"] = header.generator
        object["data"] = header.data
        object["latent"] = header.latent
        if !header.metadata.isEmpty {
            var metadata = JSONObject()
            for (key, value) in header.metadata.sorted(by: { $0.key < $1.key }) { metadata[key] = .string(value) }
            object["metadata"] = .object(metadata)
        }
        object["history"] = .array(header.history.map { .object($0.json) })
        object["tensors"] = .array(
            tensors.map {
                [
                    "name": .string($0.name), "type": .string($0.type),
                    "shape": .array($0.shape.map { .integer(Int64($0)) }),
                ]
            })
        object["batches"] = .integer(Int64(batches))
        object["samples"] = .integer(Int64(samples))
        object["bytes"] = .integer(Int64(bytes))
        return .object(object)
    }
}
