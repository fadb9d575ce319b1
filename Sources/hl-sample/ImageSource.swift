import HLCommand
import HLData
import HLEncoders
import HLFormats
import HLTensor

/// Real images with their labels. A sample's id is its position in the data set; `--start`, `-n` and `--shard` count
/// positions in the order of reading, epoch after epoch.
final class ImageSource: SampleSource {
    static let defaultSide = 64

    let header: StreamHeader
    let total: Int?
    let summary: String
    private let dataset: any ImageDataset
    private let reading: Reading
    private let side: Int
    private let crop: PreparedCrop?
    private let batchSize: Int
    private let end: Int
    private var positions: Positions
    private var epoch = 0
    private var source: DatasetSource
    /// Of the images that were left out, by their positions in the data set.
    private var damaged: [Int: Failure] = [:]
    private var wasRead = false

    /// How a data set is read.
    struct Reading {
        /// Side of the images, or of those that crops are taken from; nil takes the default.
        let side: Int?
        /// The part of T_x that is done here; nil for whole images.
        let crop: Crop?
        /// Whether JPEGs are decoded at a part of their size where that is enough.
        let isScaled: Bool
        /// Of the order; nil is the data set's own.
        let shuffleSeed: UInt64?
        /// Passes; 0 is without end.
        let epochs: Int
        /// Samples per record; nil for about 2 MB of them.
        let batchSize: Int?
        let threads: Int
        /// Whether to go on behind an image that is damaged.
        let skipsDamaged: Bool
    }

    /// Random crops of T_x.
    struct Crop {
        let frame: PreparedCrop.Frame
        /// Of each image.
        let views: Int
        let seed: UInt64
    }

    /// - Parameter data: kind and place, such as `imagefolder:DIR`.
    init(_ data: String, _ options: DatasetOptions, _ reading: Reading, _ positions: Positions) throws {
        dataset = try Datasets.open(data, options)
        if !dataset.omissions.isEmpty { warn("\(dataset.source) leaves out \(dataset.omissions.text)") }
        self.reading = reading
        let side = reading.side ?? Self.defaultSide
        self.side = side
        crop = reading.crop.map { PreparedCrop($0.frame, side: side, views: $0.views, seed: $0.seed) }
        let bytes = 3 * (crop.map { $0.views * $0.size * $0.size } ?? side * side)
        batchSize = reading.batchSize ?? min(1024, max(1, 2_100_000 / bytes))
        source = try Self.source(dataset, reading, side, crop, epoch: 0)
        let epochs = reading.epochs
        let (length, overflow) = dataset.count.multipliedReportingOverflow(by: epochs)
        end = epochs == 0 || overflow ? .max : length
        if let count = positions.count, positions.start + count > end {
            throw Failure(
                .usage,
                "\(epochs) epoch\(epochs == 1 ? "" : "s") of \(dataset.count) images do not have "
                    + "\(positions.start + count)", "raise --epochs or lower -n or --start")
        }
        total = positions.count ?? (end == .max ? nil : max(0, end - positions.start))
        var object = dataset.identity
        object["classes"] = .array(dataset.classNames.map { .string($0) })
        object["count"] = .integer(Int64(dataset.count))
        object["size"] = .integer(Int64(side))
        var header = StreamHeader(data: .object(object), history: dataset.history)
        if let crop { header.metadata[PreparedCrop.key] = crop.json.text }
        self.header = header
        summary =
            "\(dataset.count) images of \(dataset.source) at \(side) pixels"
            + (crop.map { ", \($0.views) random crop\($0.views == 1 ? "" : "s") of \($0.size) pixels" } ?? "")
        self.positions = positions
    }

    private static func source(
        _ dataset: any ImageDataset, _ reading: Reading, _ side: Int, _ crop: PreparedCrop?, epoch: Int
    ) throws -> DatasetSource {
        let views =
            crop.map { crop in
                ImageViews(side: crop.size, count: crop.views, isScaled: reading.isScaled) { id, width, height in
                    try crop.framings(id: id, epoch: epoch, width: width, height: height)
                }
            } ?? .middle(side: side, isScaled: reading.isScaled)
        return try DatasetSource(
            dataset, views, shuffleSeed: reading.shuffleSeed, epoch: epoch, threads: reading.threads,
            skippingDamaged: reading.skipsDamaged)
    }

    func next() throws -> Batch? {
        while let images = try nextImages() {
            for (index, failure) in images.damaged { damaged[index] = failure }
            // All images of a record may be damaged.
            if images.ids.rowCount > 0 {
                wasRead = true
                var tensors: NamedTensors = ["id": images.ids, "y": images.labels]
                for (view, pixels) in images.views.enumerated() { tensors["x.\(view)"] = pixels }
                if reading.epochs != 1 {
                    let numbers = [Int64](repeating: Int64(epoch), count: images.ids.rowCount)
                    tensors["epoch"] = HostTensor(numbers, shape: [numbers.count])
                }
                tensors["y.all"] = images.marks
                return try Batch(tensors)
            }
        }
        if !wasRead, let first = damaged.min(by: { $0.key < $1.key })?.value {
            throw Failure(
                .data, "every image of \(dataset.source) that was to be read is damaged: \(first.what)", first.remedy)
        }
        return nil
    }

    /// One beyond the last position of the epoch; near the end of all numbers, of the run.
    private var endOfEpoch: Int {
        let (position, overflow) = (epoch + 1).multipliedReportingOverflow(by: dataset.count)
        return overflow ? end : min(end, position)
    }

    private func nextImages() throws -> ImageBatch? {
        // Records stay within an epoch: each has an order of its own.
        var (first, count) = positions.take(batchSize, below: endOfEpoch)
        while count == 0 {
            guard endOfEpoch < min(end, positions.end) else { return nil }
            // Not even one could be read: nothing would ever come.
            guard wasRead || damaged.isEmpty else { return nil }
            epoch = max(epoch + 1, first / dataset.count)
            (first, count) = positions.take(batchSize, below: endOfEpoch)
            source = try Self.source(dataset, reading, side, crop, epoch: epoch)
        }
        return try source.batch(
            indices: source.indices(
                at: (0..<count).map { first - epoch * dataset.count + $0 * positions.shard.count }))
    }

    /// What was left out on the way; nil where nothing was.
    var conclusion: String? {
        guard !damaged.isEmpty else { return nil }
        let shown = damaged.sorted { $0.key < $1.key }.prefix(5).map(\.value.what).joined(separator: "; ")
        return "left out \(damaged.count) damaged image\(damaged.count == 1 ? "" : "s") of \(dataset.count): \(shown)"
            + (damaged.count > 5 ? "; \(damaged.count - 5) more" : "")
    }
}
