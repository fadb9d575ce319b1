import HLCommand
import HLFormats

/// What a stream holds beside its header, counted to its end.
struct StreamDescription {
    private let header: StreamHeader
    /// The streams that are joined, and the samples of each.
    private var segments: [StreamSegment] = []
    private var counts: [Int: Int] = [:]
    private var tensors: [(name: String, type: String, shape: [Int])] = []
    private var batches = 0
    private var samples = 0
    private var bytes = 0

    /// - Throws: as `StreamReader.next()`; a stream that was cut off is an error.
    init(reading reader: StreamReader) throws {
        header = reader.header
        let progress = Progress(total: reader.expectedSamples)
        while let batch = try reader.next() {
            if batches == 0 {
                tensors = batch.tensors.map { ($0.name, $0.tensor.type.rawValue, Array($0.tensor.shape.dropFirst())) }
                    .sorted { $0.0 < $1.0 }
            }
            batches += 1
            samples += batch.count
            bytes += batch.tensors.reduce(0) { $0 + $1.tensor.byteCount }
            for (segment, rows) in batch.parts { counts[segment.number, default: 0] += rows.count }
            progress.advance(by: batch.count)
        }
        segments = reader.segments
        progress.finish()
    }

    /// Tensors and totals, and of streams that were joined what each has of its own; all of it stands below the text of
    /// the first header.
    var text: String {
        let lines = tensors.map { tensor in
            let shape = (["B"] + tensor.shape.map(String.init)).joined(separator: " x ")
            return "tensor     \(tensor.name) \(tensor.type) \(shape)\n"
        }
        return joinedText + lines.joined() + "samples    \(samples) in \(batches) records, \(bytes) bytes of tensors\n"
    }

    /// Empty where nothing was joined.
    private var joinedText: String {
        if segments.count < 2 { return "" }
        return segments.map { segment -> String in
            let count = counts[segment.number] ?? 0, number = "stream     \(segment.number + 1) of \(segments.count)"
            if segment.number == 0 { return "\(number), above: \(count) samples\n" }
            return "\(number): \(count) samples\n" + HeaderDescription(header: segment.header).ownText
        }.joined()
    }

    /// All of it, the header included.
    var json: JSONValue {
        var object = header.json
        if segments.count > 1 {
            object["streams"] = .array(
                segments.map { segment in
                    var stream = segment.header.ownJSON
                    stream["samples"] = .integer(Int64(counts[segment.number] ?? 0))
                    return .object(stream)
                })
        }
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
