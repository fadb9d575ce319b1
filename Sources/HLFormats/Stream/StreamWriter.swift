import HLTensor

/// Writes a stream: `writeHeader`, `write` for every batch, `finish`. With `join` between batches it is several streams,
/// one behind the other.
///
/// Each record reaches the sink completely before the call returns. An end record is written by `finish()` alone, and
/// never after a failure, so that readers notice that something is missing.
package final class StreamWriter {
    /// For pipes: random latents do not compress, and level 1 costs six times the time for 8 %.
    package static let pipeLevel = -5
    package static let fileLevel = 3

    package private(set) var samplesWritten = 0
    /// Bytes of tensors before compression.
    package private(set) var bytesWritten = 0

    private enum State { case empty, open, finished, failed }

    private let sink: any ByteSink
    private let compressor: ZstdCompressor
    private var state = State.empty
    /// Since the last header.
    private var batches = 0
    private var samples = 0
    private var layout: TensorLayout?
    private var table: SeekTable?
    /// Whether a record of images has been seen, which tells whether they compress.
    private var hasTriedImages = false

    /// - Parameter seekable: end with a seek table, for files.
    package init(_ sink: any ByteSink, level: Int, seekable: Bool) throws {
        self.sink = sink
        compressor = try ZstdCompressor(level: level, sink: sink)
        table = seekable ? SeekTable() : nil
    }

    package func writeHeader(_ header: StreamHeader) throws {
        try write(.header(header), in: .empty, then: .open)
    }

    /// Ends the stream and begins another one behind it, of the same tensors.
    package func join(_ header: StreamHeader) throws {
        try writeEnd(then: .empty)
        batches = 0
        samples = 0
        try writeHeader(header)
    }

    /// Writes one record of exactly these samples.
    /// - Throws: `Failure`: usage for more than 2 GiB, software if the tensors are not those of the batches before.
    package func write(_ batch: Batch) throws {
        let next = TensorLayout(batch.tensors)
        if let layout, layout != next {
            state = .failed
            throw Failure(
                .software, "a batch with other tensors than before (\(next.difference(from: layout)))",
                "report this defect")
        }
        layout = next
        try write(.batch(batch), in: .open, then: .open)
        batches += 1
        samples += batch.count
        samplesWritten += batch.count
        bytesWritten += batch.tensors.reduce(0) { $0 + $1.tensor.byteCount }
    }

    /// Writes the end record and the seek table. The sink stays open.
    package func finish() throws {
        try writeEnd(then: .finished)
        if let table { try table.frame.withUnsafeBytes { try sink.write($0) } }
    }

    private func writeEnd(then next: State) throws {
        try write(.end(batches: batches, samples: samples), in: .open, then: next)
    }

    private func write(_ record: StreamRecord, in required: State, then next: State) throws {
        guard state == required else {
            throw Failure(.software, "records of a stream written out of order", "report this defect")
        }
        state = .failed
        let encoded = Safetensors.encode(record.file)
        let size = encoded.byteCount
        guard size <= ZstdFrameReader.maximumContentSize else {
            throw Failure(.usage, "a record of \(size) bytes is more than 2 GiB", "use a smaller batch")
        }
        try compressor.begin(contentSize: size)
        try encoded.forEachPiece { try compressor.append($0) }
        let compressed = try compressor.end()
        try judge(record, size: size, compressed: compressed)
        table?.entries.append(.init(compressedSize: UInt32(compressed), contentSize: UInt32(size)))
        state = next
    }

    /// Photographs do not compress to speak of: where the first images do not shrink by a fifth, those behind them are
    /// stored as they are, and are written and read at the speed of memory.
    private func judge(_ record: StreamRecord, size: Int, compressed: Int) throws {
        guard !hasTriedImages, case .batch(let batch) = record, batch.count > 0,
            batch.tensors.names.contains(where: { $0.hasPrefix("x.") })
        else { return }
        hasTriedImages = true
        if compressed > size / 5 * 4 { try compressor.store() }
    }
}
