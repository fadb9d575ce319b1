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
    }

    /// - Parameter data: kind and place, such as `imagefolder:DIR`.
    init(_ data: String, split: String?, _ reading: Reading, _ positions: Positions) throws {
        dataset = try Datasets.open(data, split: split)
        side = reading.side ?? Self.defaultSide
        seed = reading.shuffleSeed
        threads = reading.threads
        batchSize = reading.batchSize ?? min(1024, max(1, 2_100_000 / (3 * side * side)))
        source = try DatasetSource(dataset, side: side, shuffleSeed: seed, threads: threads)
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
        // Records stay within an epoch: each has an order of its own.
        var (first, count) = positions.take(batchSize, below: min(end, (epoch + 1) * dataset.count))
        while count == 0 {
            let (next, overflow) = (epoch + 1).multipliedReportingOverflow(by: dataset.count)
            guard !overflow, next < min(end, positions.end) else { return nil }
            epoch = max(epoch + 1, first / dataset.count)
            (first, count) = positions.take(batchSize, below: min(end, (epoch + 1) * dataset.count))
            source = try DatasetSource(dataset, side: side, shuffleSeed: seed, epoch: epoch, threads: threads)
        }
        let indices = source.indices(
            at: (0..<count).map { first - epoch * dataset.count + $0 * positions.shard.count })
        let images = try source.batch(indices: indices)
        return try Batch(["id": images.ids, "y": images.labels, "x.0": images.images])
    }
}
