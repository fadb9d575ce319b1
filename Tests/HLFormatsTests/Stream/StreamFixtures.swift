import Foundation
import Glibc
import HLFormats
import HLTensor
import Testing

/// What the tests of streams share.
enum StreamFixtures {
    static func path(_ name: String) -> String {
        Bundle.module.resourceURL!.appendingPathComponent("Fixtures/tensors/\(name)").path
    }

    static func bytes(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) }

    static func buffer(_ bytes: [UInt8]) -> HostBuffer {
        let buffer = HostBuffer(count: bytes.count)
        buffer.bytes.copyBytes(from: bytes)
        return buffer
    }

    /// A folder of its own for `body`, removed afterwards.
    static func inFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }

    static func header(_ generator: String = "shapes") -> StreamHeader {
        StreamHeader(
            generator: ["name": .string(generator), "chunks": 6], latent: ["std": 1.0],
            history: [HistoryEntry(tool: "hl-sample", version: "0.1", arguments: ["-n", "7"], seed: 3)],
            metadata: ["x.note": "kept"])
    }

    /// Samples `first`..<`first + count`: ids, latents that tell the sample, and an unknown tensor.
    static func batch(_ first: Int, _ count: Int) throws -> Batch {
        let ids = (first..<first + count).map(Int64.init)
        let latents = ids.flatMap { id in (0..<6).map { Float(id) + Float($0) / 8 } }
        let extra = HostTensor(.u8, shape: [count, 3]) { bytes in
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: first + index / 3) }
        }
        return try Batch(
            ["id": HostTensor(ids, shape: [count]), "z.0": HostTensor(latents, shape: [count, 2, 3]), "q": extra],
            metadata: ["x.first": String(first)])
    }

    /// A whole stream with batches of these sizes and ids from `first`.
    static func stream(
        _ sizes: [Int], first: Int = 0, header: StreamHeader = header(), level: Int = -5, seekable: Bool = false
    ) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = try StreamWriter(sink, level: level, seekable: seekable)
        try writer.writeHeader(header)
        var first = first
        for size in sizes {
            try writer.write(try batch(first, size))
            first += size
        }
        try writer.finish()
        return sink.bytes
    }

    static func reader(_ bytes: [UInt8], piece: Int = .max) throws -> StreamReader {
        try StreamReader(MemorySource(bytes, piece: piece), name: "stdin")
    }

    /// Everything that a stream says, read to its end.
    static func content(_ bytes: [UInt8], piece: Int = .max) throws -> [String] {
        let reader = try reader(bytes, piece: piece)
        var lines = [describe(reader.header)]
        while let batch = try reader.next() { lines.append(describe(batch)) }
        return lines
    }

    static func describe(_ header: StreamHeader) -> String {
        "\(header.generator?.text ?? "-") \(header.data?.text ?? "-") \(header.latent?.text ?? "-") "
            + "\(header.history.map { JSONValue.object($0.json).text }) "
            + "\(header.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
    }

    static func describe(_ batch: Batch) -> String {
        let tensors = batch.tensors.map { name, tensor in
            "\(name) \(tensor.type) \(tensor.shape) \(tensor.withUnsafeBytes(Array.init))"
        }
        return "\(tensors.sorted()) \(batch.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
    }

    static func ids(_ source: any BatchSource) throws -> [Int64] {
        var ids: [Int64] = []
        while let batch = try source.next() { ids += try #require(batch.ids).integers }
        return ids
    }

    /// A frame of `bytes` as our writer makes them.
    static func frame(_ file: TensorFile) throws -> [UInt8] {
        let sink = MemorySink()
        let compressor = try ZstdCompressor(level: 3, sink: sink)
        let encoded = Safetensors.encode(file)
        try compressor.begin(contentSize: encoded.byteCount)
        try encoded.forEachPiece { try compressor.append($0) }
        _ = try compressor.end()
        return sink.bytes
    }

    static func frame(_ bytes: [UInt8]) throws -> [UInt8] {
        let sink = MemorySink()
        let compressor = try ZstdCompressor(level: 3, sink: sink)
        try compressor.begin(contentSize: bytes.count)
        try bytes.withUnsafeBytes { try compressor.append($0) }
        _ = try compressor.end()
        return sink.bytes
    }

    static func skippable(_ content: [UInt8], magic: UInt8 = 0x50) -> [UInt8] {
        [magic, 0x2A, 0x4D, 0x18] + withUnsafeBytes(of: UInt32(content.count).littleEndian, Array.init) + content
    }
}

/// The failure that `body` throws, with the exit status expected.
func expectFailure(
    _ kind: Failure.Kind, _ part: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("no failure", sourceLocation: sourceLocation)
    } catch let failure as Failure {
        #expect(failure.kind == kind, "\(failure)", sourceLocation: sourceLocation)
        let matches = part.isEmpty || failure.description.contains(part)
        #expect(matches, "\(failure)", sourceLocation: sourceLocation)
        #expect(!failure.remedy.isEmpty, "\(failure)", sourceLocation: sourceLocation)
        #expect(!failure.description.contains("\n"), "\(failure)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error) is no Failure", sourceLocation: sourceLocation)
    }
}
