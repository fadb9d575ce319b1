import HLFormats
import HLTensor

/// Labelled images as the tensors of a stream's batch.
package struct ImageBatch: Sendable {
    /// I64 [B]: positions in the data set's own order, whatever the order of reading.
    package let ids: HostTensor
    /// I64 [B]
    package let labels: HostTensor
    /// U8 [B, 3, S, S]
    package let images: HostTensor
}

/// Reads the images of a data set in one size, in order or shuffled, several at a time.
package struct DatasetSource: Sendable {
    package let dataset: any ImageDataset
    /// S, the side of the square images in pixels.
    package let side: Int
    /// The order of reading; nil is the data set's own.
    private let order: Permutation?
    private let threads: Int

    package var count: Int { dataset.count }

    /// - Parameters:
    ///   - side: images are resized so that the short side has this many pixels, and the square in the middle is taken;
    ///     images that already have the size are passed on as they are.
    ///   - shuffleSeed: nil keeps the data set's order. The order depends on this, `epoch` and the count alone.
    ///   - threads: how many images are decoded at a time; 0 means one per core.
    /// - Throws: `Failure` `.usage` for a side outside 1…``Image/maximumSide``.
    package init(
        _ dataset: any ImageDataset, side: Int, shuffleSeed: UInt64? = nil, epoch: Int = 0, threads: Int = 0
    ) throws {
        guard (1...Image.maximumSide).contains(side) else {
            throw Failure(
                .usage, "cannot make images of \(side) pixels", "choose a size between 1 and \(Image.maximumSide)")
        }
        self.dataset = dataset
        self.side = side
        self.threads = threads > 0 ? threads : Machine.coreCount
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
        let images = try HostTensor(.u8, shape: [indices.count, 3, side, side]) { bytes in
            try forEach(indices.count) { position in
                let pixels = try prepared(indices[position])
                pixels.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: bytes[(position * size)..<((position + 1) * size)])
                        .copyMemory(from: source)
                }
            }
        }
        let labels = indices.map { Int64(dataset.label(at: $0)) }
        return ImageBatch(
            ids: HostTensor(indices.map(Int64.init), shape: [indices.count]),
            labels: HostTensor(labels, shape: [indices.count]), images: images)
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

    /// Runs `body` for 0..<count on all threads; throws what the lowest of them threw.
    private func forEach(_ count: Int, _ body: (Int) throws -> Void) throws {
        let workers = min(threads, count)
        if workers <= 1 {
            for position in 0..<count { try body(position) }
            return
        }
        let failures = Failures(count: workers)
        // Neighbours go to different threads: what takes long often lies together.
        inParallel(workers, parts: workers) { range in
            let worker = range.lowerBound
            for position in stride(from: worker, to: count, by: workers) {
                do {
                    try body(position)
                } catch {
                    failures.record(error, at: position, by: worker)
                    return
                }
            }
        }
        if let first = failures.first { throw first }
    }
}

/// What each worker stopped at. Unchecked: every worker writes its own entry, and they are read when all have ended.
private final class Failures: @unchecked Sendable {
    private let entries: UnsafeMutableBufferPointer<(position: Int, error: (any Error)?)>

    init(count: Int) {
        entries = .allocate(capacity: count)
        entries.initialize(repeating: (Int.max, nil))
    }

    deinit { entries.deinitialize().deallocate() }

    func record(_ error: any Error, at position: Int, by worker: Int) { entries[worker] = (position, error) }

    var first: (any Error)? { entries.min { $0.position < $1.position }?.error }
}
