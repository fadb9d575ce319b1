import HLFormats
import HLTensor

/// Real images that a stream holds, in a file that hl-sample wrote with `-o`: read in any order and at any size, as often as
/// one likes, without decoding a JPEG again. Ids, labels, classes and source are those of the stream.
final class StoredStream: ImageDataset {
    static let kind = DatasetKind(
        name: "stream", place: "FILE", abstract: "images that hl-sample --data stored with -o",
        settings: SeededSplit.settings,
        open: { place in
            try SeededSplit.open(place) { place in
                guard place.split == nil else {
                    throw Failure(.usage, "a stream has no splits", "leave out --split, or give holdout=")
                }
                return try StoredStream(place)
            }
        })

    let omissions = Omissions()
    let classNames: [String]
    let source: String
    let identity: JSONObject
    let history: [HistoryEntry]
    private let stream: SeekableStream

    /// Decoded records that are kept: in order the next image mostly is in the same one.
    private static let cacheLimit = 1 << 26

    var count: Int { stream.sampleCount }

    /// - Throws: `Failure`: noInput for what is no regular file, data for what is no whole stream, incompatible for a stream
    ///   without whole real images.
    init(_ place: DatasetPlace) throws {
        stream = try SeekableStream(path: place.path, cacheLimit: Self.cacheLimit)
        source = place.source
        guard var data = stream.header.data?.object else {
            throw Failure(
                .incompatible, "\(place.path) is no stream of real images",
                "hl-train FILE --epochs N goes through generated samples itself")
        }
        guard stream.headers.allSatisfy({ $0.metadata[StreamHeader.crop] == nil }) else {
            throw Failure(
                .incompatible, "\(place.path) has random crops and not the images",
                "store them without --random-resized-crop")
        }
        guard let images = stream.tensors["x.0"], images.type == .u8, images.shape.count == 3, images.shape[0] == 3,
            images.shape[1] > 0, images.shape[2] > 0, stream.tensors["x.1"] == nil
        else {
            throw Failure(
                .incompatible, "\(place.path) does not have one image U8 [3, H, W] of each sample",
                "store them with hl-sample --data and -o")
        }
        for name in ["id", "y"] {
            guard let tensor = stream.tensors[name], tensor.type == .i64, tensor.shape.isEmpty else {
                throw Batch.missing(name)
            }
        }
        guard stream.sampleCount > 0 else { throw Failure(.noInput, "\(place.path) has no images", "make it again") }
        classNames = data["classes"]?.array?.compactMap(\.string) ?? []
        for key in ["classes", "count", "size"] { data[key] = nil }
        identity = data
        history = StreamHeader.history(joining: stream.headers)
    }

    func label(at index: Int) -> Int {
        guard let (batch, row) = try? place(index), let labels = batch.tensors["y"] else { return 0 }
        return Int(labels.integers[row])
    }

    func encodedSample(at index: Int) throws -> EncodedSample {
        let (batch, row) = try place(index)
        guard let ids = batch.tensors["id"], let labels = batch.tensors["y"], let images = batch.tensors["x.0"] else {
            preconditionFailure("the tensors were there when the file was opened")
        }
        let id = ids.withUnsafeElements(as: Int64.self) { $0[row] }
        let image = images.rows(row..<row + 1).reshaped(Array(images.shape.dropFirst()))
        return EncodedSample(
            id: id, label: Int(labels.withUnsafeElements(as: Int64.self) { $0[row] }),
            image: EncodedImage(Image(pixels: image), name: "sample \(id) of \(stream.name)"))
    }

    private func place(_ index: Int) throws -> (Batch, row: Int) {
        let record = stream.recordIndex(of: index)
        return (try stream.record(at: record), index - stream.firstSample(of: record))
    }
}
