import HLFormats
import HLTensor
import Synchronization

/// Labelled images as the tensors of a stream's batch.
package struct ImageBatch: Sendable {
    /// I64 [B]: positions in the data set's own order, whatever the order of reading.
    package let ids: HostTensor
    /// I64 [B]
    package let labels: HostTensor
    /// U8 [B, classes], as `ImageDataset.marks(at:)`; nil where images have one label.
    package let marks: HostTensor?
    /// U8 [B, 3, S, S] of each view.
    package let views: [HostTensor]
    /// Those that were asked for and are not in the batch, by their positions in the data set, in the order of reading.
    package let damaged: [(index: Int, failure: Failure)]

    /// View 0.
    package var images: HostTensor { views[0] }
}

/// What is made of each image: square views.
package struct ImageViews: Sendable {
    /// S, in pixels.
    package let side: Int
    package let count: Int
    /// Whether JPEGs are decoded at a part of their size where that is enough (``EncodedImage``).
    package let isScaled: Bool
    /// What each view shows of the image of this id, width and height.
    fileprivate let framings: @Sendable (_ id: Int64, _ width: Int, _ height: Int) throws -> [Framing]

    /// - Parameter framings: returns `count` of them.
    package init(
        side: Int, count: Int, isScaled: Bool,
        framings: @escaping @Sendable (_ id: Int64, _ width: Int, _ height: Int) throws -> [Framing]
    ) {
        self.side = side
        self.count = count
        self.isScaled = isScaled
        self.framings = framings
    }

    /// One view: the middle of the image.
    package static func middle(side: Int, isScaled: Bool = false) -> ImageViews {
        ImageViews(side: side, count: 1, isScaled: isScaled) { _, _, _ in [.middle] }
    }
}

/// Reads the images of a data set in one size, in order or shuffled, several at a time.
package struct DatasetSource: Sendable {
    package let dataset: any ImageDataset
    private let views: ImageViews
    /// The order of reading; nil is the data set's own.
    private let order: Permutation?
    private let threads: Int
    private let skipsDamaged: Bool

    package var count: Int { dataset.count }

    /// - Parameters:
    ///   - views: what is made of each image.
    ///   - shuffleSeed: nil keeps the data set's order. The order depends on this, `epoch` and the count alone.
    ///   - threads: how many images are decoded at a time; 0 means one per core.
    ///   - skippingDamaged: leaves out images that are damaged or cannot be opened, instead of failing.
    /// - Throws: `Failure` `.usage` for a side outside 1…``Image/maximumSide``.
    package init(
        _ dataset: any ImageDataset, _ views: ImageViews, shuffleSeed: UInt64? = nil, epoch: Int = 0, threads: Int = 0,
        skippingDamaged: Bool = false
    ) throws {
        guard (1...Image.maximumSide).contains(views.side) else {
            throw Failure(
                .usage, "cannot make images of \(views.side) pixels",
                "choose a size between 1 and \(Image.maximumSide)")
        }
        self.dataset = dataset
        self.views = views
        self.threads = threads > 0 ? threads : Machine.coreCount
        skipsDamaged = skippingDamaged
        order = shuffleSeed.map { Permutation(count: dataset.count, seed: $0, purpose: .shuffle, epoch: epoch) }
    }

    /// One view: the middle of each image, in squares of `side` pixels; images that already have the size are passed on as
    /// they are.
    package init(
        _ dataset: any ImageDataset, side: Int, shuffleSeed: UInt64? = nil, epoch: Int = 0, threads: Int = 0,
        skippingDamaged: Bool = false
    ) throws {
        try self.init(
            dataset, .middle(side: side), shuffleSeed: shuffleSeed, epoch: epoch, threads: threads,
            skippingDamaged: skippingDamaged)
    }

    /// What the data set itself calls the images at `positions` in the order of reading.
    package func indices(at positions: some Sequence<Int>) -> [Int] {
        order?.elements(at: positions) ?? Array(positions)
    }

    /// The images at `positions` in the order of reading.
    ///
    /// - Throws: the failure of the first of them that cannot be read; `.data` names the file.
    package func batch(_ positions: Range<Int>) throws -> ImageBatch {
        precondition(positions.lowerBound >= 0 && positions.upperBound <= count)
        return try batch(indices: indices(at: positions))
    }

    /// The images at `indices` of the data set itself, such as those of one shard.
    package func batch(indices: [Int]) throws -> ImageBatch {
        let outcomes = Outcomes(count: indices.count), side = views.side
        let images = Self.filled(views.count, [indices.count, 3, side, side]) { targets in
            forEach(indices.count) { position in
                do {
                    let sample = try make(indices[position], at: position, into: targets)
                    outcomes[position] = .success(sample)
                    return true
                } catch {
                    outcomes[position] = .failure(error)
                    return skips(error)
                }
            }
        }
        var read: [Int] = [], ids: [Int64] = [], labels: [Int64] = [], damaged: [(index: Int, failure: Failure)] = []
        for position in indices.indices {
            switch outcomes[position] {
            case .success(let sample)?:
                read.append(position)
                ids.append(sample.id)
                labels.append(sample.label)
            case .failure(let failure as Failure)? where skips(failure): damaged.append((indices[position], failure))
            case .failure(let error)?: throw error
            case nil: continue
            }
        }
        return ImageBatch(
            ids: HostTensor(ids, shape: [ids.count]), labels: HostTensor(labels, shape: [labels.count]),
            marks: try marks(read.map { indices[$0] }),
            views: damaged.isEmpty ? images : images.map { $0.gather(read) },
            damaged: damaged)
    }

    /// Some U8 tensors of one shape, which `body` has to fill together.
    private static func filled(
        _ count: Int, _ shape: [Int], _ body: ([UnsafeMutablePointer<UInt8>]) -> Void
    ) -> [HostTensor] {
        let size = shape.reduce(1, *)
        let buffers = (0..<count).map { _ in HostBuffer(count: size) }
        body(buffers.map { $0.pointer.assumingMemoryBound(to: UInt8.self) })
        return buffers.map { HostTensor(.u8, shape: shape, in: $0, at: 0) }
    }

    /// Makes the views of an image, in their places.
    private func make(
        _ index: Int, at position: Int, into targets: [UnsafeMutablePointer<UInt8>]
    ) throws -> (id: Int64, label: Int64) {
        let sample = try dataset.encodedSample(at: index), size = 3 * views.side * views.side
        do {
            let place = { (view: Int) in targets[view] + position * size }
            try sample.image.make(side: views.side, scaled: views.isScaled, into: place) {
                try views.framings(sample.id, $0, $1)
            }
        } catch let failure as Failure where !failure.what.contains(sample.image.name) {
            // What the shape of the image forbids does not name it.
            throw Failure(failure.kind, "\(sample.image.name): \(failure.what)", failure.remedy)
        }
        return (sample.id, Int64(sample.label))
    }

    private func marks(_ indices: [Int]) throws -> HostTensor? {
        let rows = try indices.compactMap { try dataset.marks(at: $0) }
        guard let width = rows.first?.count else { return nil }
        return HostTensor(.u8, shape: [rows.count, width]) { $0.copyBytes(from: rows.joined()) }
    }

    /// Whether an image that failed so is left out.
    private func skips(_ error: any Error) -> Bool {
        guard skipsDamaged, let failure = error as? Failure else { return false }
        return failure.kind == .data || failure.kind == .noInput
    }

    /// Runs `body` for 0..<count on all threads; a thread stops where `body` says no.
    private func forEach(_ count: Int, _ body: (Int) -> Bool) {
        let workers = max(1, min(threads, count))
        // Each thread takes the next image when it is done with one: some take much longer than others.
        let next = Atomic(0)
        inParallel(workers, parts: workers) { range in
            for _ in range {
                while case let position = next.wrappingAdd(1, ordering: .relaxed).oldValue, position < count {
                    guard body(position) else { return }
                }
            }
        }
    }
}

/// What became of each image; nil for those that nobody came to. Unchecked: every image is one thread's, and they are
/// looked at when all have ended.
private final class Outcomes: @unchecked Sendable {
    typealias Outcome = Result<(id: Int64, label: Int64), any Error>
    private let entries: UnsafeMutableBufferPointer<Outcome?>

    init(count: Int) {
        entries = .allocate(capacity: count)
        entries.initialize(repeating: nil)
    }

    deinit { entries.deinitialize().deallocate() }

    subscript(position: Int) -> Outcome? {
        get { entries[position] }
        set { entries[position] = newValue }
    }
}
