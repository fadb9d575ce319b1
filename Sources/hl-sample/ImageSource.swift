import HLCommand
import HLData
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
    private let side: Int
    private let seed: UInt64?
    private let threads: Int
    private let batchSize: Int
    private let end: Int
    private var positions: Positions
    private var epoch = 0
    private var source: DatasetSource
    private let skipsDamaged: Bool
    /// Of the images that were left out, by their positions in the data set.
    private var damaged: [Int: Failure] = [:]
    private var wasRead = false

    /// How a data set is read.
    struct Reading {
        /// Side of the images; nil takes the default.
        let side: Int?
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

    /// - Parameter data: kind and place, such as `imagefolder:DIR`.
    init(_ data: String, _ options: DatasetOptions, _ reading: Reading, _ positions: Positions) throws {
        dataset = try Datasets.open(data, options)
        if !dataset.omissions.isEmpty { warn("\(dataset.source) leaves out \(dataset.omissions.text)") }
        skipsDamaged = reading.skipsDamaged
        side = reading.side ?? Self.defaultSide
        seed = reading.shuffleSeed
        threads = reading.threads
        batchSize = reading.batchSize ?? min(1024, max(1, 2_100_000 / (3 * side * side)))
        source = try DatasetSource(
            dataset, side: side, shuffleSeed: seed, threads: threads, skippingDamaged: skipsDamaged)
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
        header = StreamHeader(data: .object(object))
        summary = "\(dataset.count) images of \(dataset.source) at \(side) pixels"
        self.positions = positions
    }

    func next() throws -> Batch? {
        while let images = try nextImages() {
            for (index, failure) in images.damaged { damaged[index] = failure }
            // All images of a record may be damaged.
            if images.ids.rowCount > 0 {
                wasRead = true
                var tensors: NamedTensors = ["id": images.ids, "y": images.labels, "x.0": images.images]
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
            source = try DatasetSource(
                dataset, side: side, shuffleSeed: seed, epoch: epoch, threads: threads, skippingDamaged: skipsDamaged)
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
