import CKernels
import HLTensor
import HLViews

/// The statistics of δ^p = ‖z.0^p − z.1^p‖₂ for every chosen chunk p, for groups of chunks, each as one vector, and
/// over all chosen chunks together, of a stream of any length in constant memory (Table 1 of the paper).
package struct DeltaStatistics: Sendable {
    /// The chosen chunks, ascending.
    package let chunks: ChunkSet
    package let groups: [ChunkSet]
    /// δ of each chosen chunk, in their order.
    package private(set) var perChunk: [StreamingDistribution]
    /// δ of each group, in their order.
    package private(set) var perGroup: [StreamingDistribution]
    /// δ over all chosen chunks as one vector.
    package private(set) var together = StreamingDistribution()
    /// How often chunks, and how often groups, moved in their order.
    private var chunkOrder: OrderCounts
    private var groupOrder: OrderCounts

    /// Samples at a time: the distances stay in cache.
    static let blockSize = 512

    package init(chunks: ChunkSet, groups: [ChunkSet] = []) {
        self.chunks = chunks
        self.groups = groups
        let count = chunks.indices.count
        perChunk = Array(repeating: StreamingDistribution(), count: count)
        perGroup = Array(repeating: StreamingDistribution(), count: groups.count)
        chunkOrder = OrderCounts(rows: count)
        groupOrder = OrderCounts(rows: groups.count)
    }

    /// Samples seen.
    package var count: Int { together.count }

    /// Adds a batch.
    /// - Parameters:
    ///   - anchors, positives: F32 [B, n, m], base or mapped latents.
    ///   - ids: I64 [B], to name a sample in messages.
    ///   - names: of anchors and positives, for messages.
    /// - Throws: `Failure` (data) if the tensors do not fit each other or a distance is not finite, (usage) if the
    ///   latent lacks a chosen chunk or one of a group.
    package mutating func add(
        anchors: HostTensor, positives: HostTensor, ids: HostTensor, names: (String, String) = ("z.0", "z.1")
    ) throws {
        guard anchors.type == .f32, positives.type == .f32, anchors.shape.count == 3,
            anchors.shape == positives.shape
        else {
            throw Failure(
                .data,
                "\(names.0) \(anchors.type.rawValue) \(anchors.shape) and \(names.1) "
                    + "\(positives.type.rawValue) \(positives.shape) are not F32 [samples, chunks, dimension] alike",
                "make the stream again with hl-sample and hl-perturb")
        }
        guard ids.type == .i64, ids.shape == [anchors.shape[0]] else {
            throw Failure(
                .data, "\(anchors.shape[0]) samples have ids \(ids.type.rawValue) \(ids.shape)",
                "make the stream again with hl-sample")
        }
        for part in [chunks] + groups { try part.validate(count: anchors.shape[1]) }
        try anchors.withUnsafeElements(as: Float.self) { first in
            try positives.withUnsafeElements(as: Float.self) { second in
                try ids.withUnsafeElements(as: Int64.self) { ids in
                    try add(first, second, ids, names, chunkCount: anchors.shape[1], dimension: anchors.shape[2])
                }
            }
        }
    }

    private mutating func add(
        _ first: UnsafeBufferPointer<Float>, _ second: UnsafeBufferPointer<Float>, _ ids: UnsafeBufferPointer<Int64>,
        _ names: (String, String), chunkCount: Int, dimension: Int
    ) throws {
        let chosen = chunks.indices
        var all = [Double](repeating: 0, count: Self.blockSize * chunkCount)
        var distances = [Double](repeating: 0, count: Self.blockSize * (chosen.count + groups.count))  // [row, sample]
        var norms = [Double](repeating: 0, count: Self.blockSize)
        for start in stride(from: 0, to: ids.count, by: Self.blockSize) {
            let samples = min(Self.blockSize, ids.count - start)
            let offset = start * chunkCount * dimension
            if let first = first.baseAddress, let second = second.baseAddress {
                hl_row_distances(first + offset, second + offset, samples * chunkCount, dimension, &all)
            }
            if let bad = all[..<(samples * chunkCount)].firstIndex(where: { !$0.isFinite }) {
                let sample = start + bad / chunkCount
                let values = offset + bad * dimension..<offset + (bad + 1) * dimension
                let inFirst = first[values].contains { !$0.isFinite }
                throw Failure.notFinite(
                    "chunk \(bad % chunkCount) of \(inFirst ? names.0 : names.1) of sample \(ids[sample])")
            }
            for i in 0..<samples { norms[i] = 0 }
            for (position, chunk) in chosen.enumerated() {
                for i in 0..<samples {
                    let distance = all[i * chunkCount + chunk]
                    distances[position * Self.blockSize + i] = distance
                    norms[i] += distance * distance
                }
            }
            for (position, group) in groups.enumerated() {
                let row = (chosen.count + position) * Self.blockSize
                for i in 0..<samples {
                    let squares = group.indices.reduce(0.0) { $0 + all[i * chunkCount + $1] * all[i * chunkCount + $1] }
                    distances[row + i] = squares.squareRoot()
                }
            }
            for i in 0..<samples { norms[i] = norms[i].squareRoot() }
            count(distances, norms, samples)
        }
    }

    private mutating func count(_ distances: [Double], _ norms: [Double], _ samples: Int) {
        norms.withUnsafeBufferPointer { norms in
            if let norms = norms.baseAddress { together.add(norms, count: samples, stride: 1) }
        }
        distances.withUnsafeBufferPointer { distances in
            guard let base = distances.baseAddress else { return }
            for position in perChunk.indices {
                perChunk[position].add(base + position * Self.blockSize, count: samples, stride: 1)
            }
            for position in perGroup.indices {
                let row = (perChunk.count + position) * Self.blockSize
                perGroup[position].add(base + row, count: samples, stride: 1)
            }
            chunkOrder.add(base, samples: samples, stride: Self.blockSize)
            groupOrder.add(base + perChunk.count * Self.blockSize, samples: samples, stride: Self.blockSize)
        }
    }

    /// Every pair of chosen chunks p < q: Assumption 3.1 says that δ^p < δ^q.
    package var orderings: [Ordering] { chunkOrder.orderings(of: chunks.indices, total: count) }

    /// The same for groups, by their positions in `groups`.
    package var groupOrderings: [Ordering] { groupOrder.orderings(of: Array(groups.indices), total: count) }

    /// Samples in which each chosen chunk moved less than the next: Assumption 3.1 for all of them at once.
    package var wholeOrder: Proportion { Proportion(count: chunkOrder.ascending, total: count) }

    /// The same for groups.
    package var wholeGroupOrder: Proportion { Proportion(count: groupOrder.ascending, total: count) }
}
