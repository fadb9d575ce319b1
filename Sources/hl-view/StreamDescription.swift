import HLCommand
import HLFormats

/// What a stream holds beside its header, counted to its end.
struct StreamDescription {
    private let header: StreamHeader
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
            progress.advance(by: batch.count)
        }
        progress.finish()
    }

    /// Tensors and totals; they stand below the text of the header.
    var text: String {
        let lines = tensors.map { tensor in
            let shape = (["B"] + tensor.shape.map(String.init)).joined(separator: " x ")
            return "tensor     \(tensor.name) \(tensor.type) \(shape)\n"
        }
        return lines.joined() + "samples    \(samples) in \(batches) records, \(bytes) bytes of tensors\n"
    }

    /// All of it, the header included.
    var json: JSONValue {
        var object = HeaderDescription(header: header).json
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
