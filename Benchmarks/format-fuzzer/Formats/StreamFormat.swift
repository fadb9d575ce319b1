import HLFormats

/// Streams. Half of the cases damage a file as it lies there, which the frames' checksums find; the other half damage
/// what is in the frames and compress it anew, as somebody else's writer might.
struct StreamFormat: FuzzedFormat {
    let name = "stream"

    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) throws -> [UInt8] {
        guard damage.below(2) == 0 else { return damage.applied(to: files) }
        let frames = try ZstdFrameReader(source: MemorySource(files[damage.below(files.count)]))
        var records: [[UInt8]] = []
        while let record = try frames.next() { records.append(record.withBytes(Array.init)) }
        let place = damage.below(records.count)
        records[place] = damage.applied(to: [records[place], records[damage.below(records.count)]])
        switch damage.below(8) {
        case 0: records.remove(at: damage.below(records.count))
        case 1: records.swapAt(damage.below(records.count), place)
        case 2: records.insert(records[place], at: damage.below(records.count))
        default: break
        }
        let bytes = Bytes(), compressor = try ZstdCompressor(level: 1, sink: bytes)
        for record in records {
            try compressor.begin(contentSize: record.count)
            try record.withUnsafeBytes(compressor.append)
            _ = try compressor.end()
        }
        return bytes.all
    }

    func read(path: String, thorough: Bool) throws {
        let reader = try StreamReader(path: path)
        while try reader.next() != nil {}
        // What one reader takes, the other has to take as well.
        let seekable = try SeekableStream(path: path)
        guard seekable.sampleCount == reader.samplesRead else { throw Disagreement() }
    }

    /// The two readers of a stream count differently.
    private struct Disagreement: Error {}
}

private final class Bytes: ByteSink {
    var all: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) { all.append(contentsOf: bytes) }
}
