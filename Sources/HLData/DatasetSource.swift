import HLFormats
import HLTensor

/// Labelled images as the tensors of a stream's batch.
package struct ImageBatch: Sendable {
    /// I64 [B]: positions in the data set's own order, whatever the order of reading.
    package let ids: HostTensor
    /// I64 [B]
    package let labels: HostTensor
    /// U8 [B, classes], as `ImageDataset.marks(at:)`; nil where images have one label.
    package let marks: HostTensor?
    /// U8 [B, 3, S, S]
    package let images: HostTensor
    /// Those that were asked for and are not in the batch, by their positions in the data set, in the order of reading.
    package let damaged: [(index: Int, failure: Failure)]
}

/// Reads the images of a data set in one size, in order or shuffled, several at a time.
package struct DatasetSource: Sendable {
    package let dataset: any ImageDataset
    /// S, the side of the square images in pixels.
    package let side: Int
    /// The order of reading; nil is the data set's own.
    private let order: Permutation?
    private let threads: Int
    private let skipsDamaged: Bool

    package var count: Int { dataset.count }

    /// - Parameters:
    ///   - side: images are resized so that the short side has this many pixels, and the square in the middle is taken;
    ///     images that already have the size are passed on as they are.
    ///   - shuffleSeed: nil keeps the data set's order. The order depends on this, `epoch` and the count alone.
    ///   - threads: how many images are decoded at a time; 0 means one per core.
    ///   - skippingDamaged: leaves out images that are damaged or cannot be opened, instead of failing.
    /// - Throws: `Failure` `.usage` for a side outside 1…``Image/maximumSide``.
    package init(
        _ dataset: any ImageDataset, side: Int, shuffleSeed: UInt64? = nil, epoch: Int = 0, threads: Int = 0,
        skippingDamaged: Bool = false
    ) throws {
        guard (1...Image.maximumSide).contains(side) else {
            throw Failure(
                .usage, "cannot make images of \(side) pixels", "choose a size between 1 and \(Image.maximumSide)")
        }
        self.dataset = dataset
        self.side = side
        self.threads = threads > 0 ? threads : Machine.coreCount
        skipsDamaged = skippingDamaged
        order = shuffleSeed.map { Permutation(count: dataset.count, seed: $0, purpose: .shuffle, epoch: epoch) }
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
        let size = 3 * side * side
        let failures = Failures(count: indices.count)
        let images = HostTensor(.u8, shape: [indices.count, 3, side, side]) { bytes in
            forEach(indices.count) { position in
                do {
                    let pixels = try prepared(indices[position])
                    pixels.withUnsafeBytes { source in
                        UnsafeMutableRawBufferPointer(rebasing: bytes[(position * size)..<((position + 1) * size)])
                            .copyMemory(from: source)
                    }
                    return true
                } catch {
                    failures.record(error, at: position)
                    return skips(error)
                }
            }
        }
        var read: [Int] = [], damaged: [(index: Int, failure: Failure)] = []
        for position in indices.indices {
            switch failures[position] {
            case nil: read.append(position)
            case let failure as Failure where skips(failure): damaged.append((indices[position], failure))
            case let error?: throw error
            }
        }
        let chosen = damaged.isEmpty ? indices : read.map { indices[$0] }
        return ImageBatch(
            ids: HostTensor(chosen.map(Int64.init), shape: [chosen.count]),
            labels: HostTensor(chosen.map { Int64(dataset.label(at: $0)) }, shape: [chosen.count]),
            marks: marks(chosen), images: damaged.isEmpty ? images : images.gather(read), damaged: damaged)
    }

    private func marks(_ indices: [Int]) -> HostTensor? {
        guard let first = indices.first, let width = dataset.marks(at: first)?.count else { return nil }
        return HostTensor(.u8, shape: [indices.count, width]) { bytes in
            for (row, index) in indices.enumerated() {
                for (column, mark) in (dataset.marks(at: index) ?? []).enumerated() {
                    bytes[row * width + column] = mark
                }
            }
        }
    }

    /// Whether an image that failed so is left out.
    private func skips(_ error: any Error) -> Bool {
        guard skipsDamaged, let failure = error as? Failure else { return false }
        return failure.kind == .data || failure.kind == .noInput
    }

    private func prepared(_ index: Int) throws -> HostTensor {
        let sample = try dataset.sample(at: index)
        do {
            return try sample.image.squared(to: side).pixels
        } catch let failure as Failure {
            // Such as a strip so long that its long side grows beyond all bounds.
            throw Failure(.data, "\(sample.path): \(failure.what)", "leave the image out")
        }
    }

    /// Runs `body` for 0..<count on all threads; a thread stops where `body` says no.
    private func forEach(_ count: Int, _ body: (Int) -> Bool) {
        let workers = max(1, min(threads, count))
        // Neighbours go to different threads: what takes long often lies together.
        inParallel(workers, parts: workers) { range in
            for position in stride(from: range.lowerBound, to: count, by: workers) {
                guard body(position) else { return }
            }
        }
    }
}

/// What became of each image that could not be read. Unchecked: every image is one thread's, and they are looked at when
/// all have ended.
private final class Failures: @unchecked Sendable {
    private let entries: UnsafeMutableBufferPointer<(any Error)?>

    init(count: Int) {
        entries = .allocate(capacity: count)
        entries.initialize(repeating: nil)
    }

    deinit { entries.deinitialize().deallocate() }

    func record(_ error: any Error, at position: Int) { entries[position] = error }

    subscript(position: Int) -> (any Error)? { entries[position] }
}
