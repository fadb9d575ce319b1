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
    /// Whether it says of all classes what each image shows.
    private let hasMarks: Bool

    /// At most, where the header names none.
    private static let unnamedClasses = 1 << 20

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
        let marks = stream.tensors["y.all"]
        guard marks == nil || marks?.type == .u8 && marks?.shape == [classNames.count] else {
            throw Failure(
                .data, "\(place.path) has marks (y.all) of other classes than the \(classNames.count) that it names",
                "store them with hl-sample --data and -o")
        }
        hasMarks = marks != nil
        for key in ["classes", "count", "size"] { data[key] = nil }
        identity = data
        history = StreamHeader.history(joining: stream.headers)
    }

    func label(at index: Int) throws -> Int {
        let (batch, row) = try place(index)
        return try label(in: batch, row)
    }

    private func label(in batch: Batch, _ row: Int) throws -> Int {
        let label = try batch.require("y", .i64, rank: 1).withUnsafeElements(as: Int64.self) { $0[row] }
        guard label >= 0, label < (classNames.isEmpty ? Self.unnamedClasses : classNames.count) else {
            throw Failure(
                .data, "\(stream.name) has a sample of class \(label), and its header names \(classNames.count)",
                "store the set again with hl-sample --data and -o")
        }
        return Int(label)
    }

    func marks(at index: Int) throws -> ArraySlice<UInt8>? {
        guard hasMarks else { return nil }
        let (batch, row) = try place(index)
        return try batch.require("y.all", .u8, rank: 2).rows(row..<row + 1).withUnsafeElements(as: UInt8.self) {
            ArraySlice($0)
        }
    }

    func encodedSample(at index: Int) throws -> EncodedSample {
        let (batch, row) = try place(index)
        let images = try batch.require("x.0", .u8, rank: 4)
        let id = try batch.require("id", .i64, rank: 1).withUnsafeElements(as: Int64.self) { $0[row] }
        let image = images.rows(row..<row + 1).reshaped(Array(images.shape.dropFirst()))
        return EncodedSample(
            id: id, label: try label(in: batch, row),
            image: EncodedImage(Image(pixels: image), name: "sample \(id) of \(stream.name)"))
    }

    private func place(_ index: Int) throws -> (Batch, row: Int) {
        let record = stream.recordIndex(of: index)
        return (try stream.record(at: record), index - stream.firstSample(of: record))
    }
}
