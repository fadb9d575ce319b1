import HLTensor

/// Where batches come from, one after the other.
package protocol BatchSource: AnyObject {
    var header: StreamHeader { get }

    /// The next samples, `nil` when all have come.
    func next() throws -> Batch?
}

/// Reads a stream, or several joined end to end, and makes sure that it is whole.
package final class StreamReader: BatchSource {
    /// For messages.
    package let name: String
    /// The first header.
    package let header: StreamHeader
    /// The streams that are joined in this one, as far as it has been read, for who reads on the same thread. Each batch
    /// says of which its samples are.
    package private(set) var segments: [StreamSegment]
    package var samplesRead: Int { grammar.samples }

    /// Samples in all, where the stream is a file that says so at its end. Whether that is true shows when it is read.
    package private(set) var samplesInFile: Int?

    private let frames: ZstdFrameReader
    private var grammar: StreamGrammar
    private var isAtEnd = false
    /// What was looked at and not taken yet.
    private var pending: Batch?
    private var failure: (any Error)?

    /// Reads the header; waits for it if need be.
    /// - Parameter name: such as `stdin`, for messages.
    /// - Throws: `Failure`: data if this is no stream, incompatible for another version.
    package init(_ source: any ByteSource, name: String) throws {
        self.name = name
        frames = try ZstdFrameReader(source: source)
        grammar = StreamGrammar(name: name)
        guard let record = try Self.read(frames, grammar) else {
            throw Failure(
                .data, "\(name) is empty",
                name == "stdin" ? "the program before it in the pipe failed: see its message" : "make it again")
        }
        guard case .header(let header) = record else {
            throw Failure(.data, "\(name) does not begin with a header", "it is only a part of a stream: make it again")
        }
        self.header = header
        segments = [StreamSegment(number: 0, header: header)]
        try grammar.accept(header)
    }

    /// Opens a file, or standard input for `-`.
    package convenience init(path: String) throws {
        let source = try FileDescriptorSource(path: path)
        try self.init(source, name: source.name)
        samplesInFile = StreamIndex.sampleCount(source)
    }

    /// The next samples as they lie in the stream, never none of them; `nil` after a valid end record and nothing more.
    /// - Throws: `Failure`: data if the stream is damaged or has no end, incompatible if the streams joined in it do
    ///   not belong together. After a failure every call fails.
    package func next() throws -> Batch? {
        defer { pending = nil }
        if let pending { return pending }
        if let failure { throw failure }
        do {
            return try advance()
        } catch {
            failure = error
            throw error
        }
    }

    /// The samples that `next` is going to return.
    /// - Throws: as `next`.
    package func peek() throws -> Batch? {
        if pending == nil { pending = try next() }
        return pending
    }

    private func advance() throws -> Batch? {
        while !isAtEnd {
            switch try Self.read(frames, grammar) {
            case .header(let header):
                try grammar.accept(header)
                segments.append(StreamSegment(number: segments.count, header: header))
            case .batch(let batch):
                try grammar.accept(TensorLayout(batch.tensors), count: batch.count)
                if batch.count > 0 { return batch.from(segments[segments.count - 1]) }
            case .end(let batches, let samples): try grammar.acceptEnd(batches: batches, samples: samples)
            case nil:
                try grammar.finish()
                isAtEnd = true
            }
        }
        return nil
    }

    private static func read(_ frames: ZstdFrameReader, _ grammar: StreamGrammar) throws -> StreamRecord? {
        do {
            guard let content = try frames.next() else { return nil }
            return try StreamRecord(decoding: content, as: "a record of \(grammar.name)", in: grammar.name)
        } catch {
            throw grammar.explain(error)
        }
    }
}
