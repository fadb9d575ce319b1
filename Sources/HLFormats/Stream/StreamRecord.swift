import HLTensor

/// One safetensors object of a stream.
package enum StreamRecord: Sendable {
    case header(StreamHeader)
    case batch(Batch)
    /// The totals since the header before it.
    case end(batches: Int, samples: Int)

    /// - Parameter name: of the stream, for messages.
    /// - Throws: `Failure` (data, incompatible).
    init(_ file: TensorFile, name: String) throws {
        try Self.checkTypes(file.unread, name: name)
        switch file.metadata["hl.kind"] {
        case "header": self = .header(try StreamHeader(file, name: name))
        case "batch":
            var metadata = file.metadata
            metadata["hl.kind"] = nil
            do {
                self = .batch(try Batch(file.tensors, metadata: metadata))
            } catch let failure as Failure {
                throw Failure(failure.kind, "\(name) holds \(failure.what)", failure.remedy)
            }
        case "end":
            let end = try Self.totals(file.metadata, name: name)
            self = .end(batches: end.batches, samples: end.samples)
        case let kind: throw Self.unknown(kind, name: name)
        }
    }

    /// The record in a frame.
    /// - Parameters:
    ///   - content: of the frame.
    ///   - record: what it is, for messages, in the stream `name`.
    /// - Throws: `Failure` (data, incompatible).
    init(decoding content: HostBuffer, as record: String, in name: String) throws {
        let file: TensorFile
        do {
            file = try Safetensors.decode(content, name: record)
        } catch {
            guard content.withBytes(Safetensors.isFollowed) else { throw error }
            throw Failure(
                .data, "\(name) has several records in one zstd frame",
                "compress each record as a frame of its own, with content size and checksum")
        }
        try self.init(file, name: name)
    }

    /// A tensor that cannot be read cannot be passed on, and must not be lost.
    /// - Parameter unread: as `TensorFile.unread`.
    static func checkTypes(_ unread: [String: String], name: String) throws {
        guard let (tensor, type) = unread.min(by: { $0.key < $1.key }) else { return }
        throw Failure(
            .incompatible, "\(tensor) in \(name) has the type \(type), which this version does not know",
            "convert it before writing it, or leave it out")
    }

    package var file: TensorFile {
        switch self {
        case .header(let header): return header.file
        case .batch(let batch):
            return TensorFile(
                tensors: batch.tensors, metadata: batch.metadata.merging(["hl.kind": "batch"]) { $1 })
        case .end(let batches, let samples):
            return TensorFile(
                metadata: ["hl.kind": "end", "hl.batches": String(batches), "hl.samples": String(samples)])
        }
    }

    static func totals(_ metadata: [String: String], name: String) throws -> (batches: Int, samples: Int) {
        guard let batches = metadata["hl.batches"].flatMap({ Int($0) }),
            let samples = metadata["hl.samples"].flatMap({ Int($0) })
        else { throw Failure(.data, "the end record of \(name) lacks its totals", "make the stream again") }
        return (batches, samples)
    }

    static func unknown(_ kind: String?, name: String) -> Failure {
        guard let kind else {
            return Failure(
                .data, "\(name) is not a stream (a record without hl.kind)", "give it the output of hl-sample")
        }
        return Failure(.incompatible, "\(name) has a record of the unknown kind \(kind)", "use programs of one release")
    }
}
