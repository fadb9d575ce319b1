import HLFormats
import HLTensor

/// A stream read by our own reader: the bytes of every tensor, by sample.
struct StreamContent: Equatable {
    /// In the order of the stream.
    private(set) var ids: [Int64] = []
    /// Tensor name to sample id to bytes.
    private(set) var rows: [String: [Int64: [UInt8]]] = [:]

    /// - Throws: `Failure` for a stream that is not whole.
    init(path: String) throws {
        let reader = try StreamReader(path: path)
        while let batch = try reader.next() {
            let ids = try batch.require("id", .i64, rank: 1).integers
            self.ids += ids
            for (name, tensor) in batch.tensors {
                for (row, id) in ids.enumerated() {
                    rows[name, default: [:]][id] = tensor.rows(row..<row + 1).withUnsafeBytes { [UInt8]($0) }
                }
            }
        }
    }

    var names: [String] { rows.keys.sorted() }

    /// The same samples in the order of their ids.
    var sorted: StreamContent {
        var result = self
        result.ids.sort()
        return result
    }

    func floats(_ name: String) -> [Int64: [Float]] {
        (rows[name] ?? [:]).mapValues { bytes in
            bytes.withUnsafeBytes { raw in
                stride(from: 0, to: raw.count, by: 4).map { raw.loadUnaligned(fromByteOffset: $0, as: Float.self) }
            }
        }
    }

    /// Whether the bytes are a whole stream, end record included.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        do {
            let reader = try StreamReader(MemorySource(bytes), name: "bytes")
            while try reader.next() != nil {}
            return true
        } catch {
            return false
        }
    }
}

/// Streams that no program of ours would write.
enum HandMade {
    static func stream(
        to path: String, generator: JSONValue? = ["name": "shapes", "chunks": 6, "dimension": 20, "resolution": 32],
        data: JSONValue? = nil, _ tensors: NamedTensors
    ) throws {
        let file = try OutputFile(path: path)
        let writer = try StreamWriter(file, level: 1, seekable: false)
        try writer.writeHeader(
            StreamHeader(
                generator: generator, data: data,
                history: [HistoryEntry(tool: "hand", version: "1", arguments: [], seed: 0)]))
        try writer.write(try Batch(tensors))
        try writer.finish()
        try file.commit()
    }

    static func ids(_ count: Int) -> HostTensor { HostTensor((0..<Int64(count)).map { $0 }, shape: [count]) }

    static func floats(_ shape: [Int]) -> HostTensor {
        HostTensor((0..<shape.reduce(1, *)).map { Float($0 % 17) / 170 - 0.04 }, shape: shape)
    }

    /// A walker of `dimension` values with small steps.
    static func walker(to path: String, dimension: Int, chunks: String? = nil, generator: JSONValue? = nil) throws {
        let hidden = 8
        let tensors: NamedTensors = [
            "walker.0.weight": floats([hidden, dimension]), "walker.0.bias": floats([hidden]),
            "walker.2.weight": floats([dimension, hidden]), "walker.2.bias": floats([dimension]),
        ]
        var metadata: [String: String] = [:]
        if let chunks {
            metadata = [
                "hl.kind": "walker", "hl.version": "1",
                "hl.walker": JSONValue.object(["chunks": .string(chunks)]).text,
            ]
            metadata["hl.generator"] = generator?.text
        }
        try Safetensors.write(TensorFile(tensors: tensors, metadata: metadata), to: path)
    }
}
