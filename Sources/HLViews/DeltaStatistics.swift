import CKernels
import HLTensor

/// The statistics of δ^p = ‖z.0^p − z.1^p‖₂ for every chosen chunk p, for groups of chunks, each as one vector, and
/// over all chosen chunks together, of a stream of any length in constant memory (Table 1 of the paper).
public struct DeltaStatistics: Sendable {
    /// The chosen chunks, ascending.
    public let chunks: ChunkSet
    public let groups: [ChunkSet]
    /// δ of each chosen chunk, in their order.
    public private(set) var perChunk: [StreamingDistribution]
    /// δ of each group, in their order.
    public private(set) var perGroup: [StreamingDistribution]
    /// δ over all chosen chunks as one vector.
    public private(set) var together = StreamingDistribution()
    /// Samples with δ^p < δ^q, for each pair p < q in the order of `pairs`.
    private var orderedCounts: [Int]
    /// Rows of distances: chunks in the order of `chunks.indices`, and behind them the groups.
    private let pairs: [(first: Int, second: Int)]

    /// Samples at a time: the distances stay in cache.
    private static let blockSize = 512

    public init(chunks: ChunkSet, groups: [ChunkSet] = []) {
        self.chunks = chunks
        self.groups = groups
        let count = chunks.indices.count
        perChunk = Array(repeating: StreamingDistribution(), count: count)
        perGroup = Array(repeating: StreamingDistribution(), count: groups.count)
        pairs = [0..<count, count..<count + groups.count].flatMap { rows in
            rows.flatMap { first in (first + 1..<rows.upperBound).map { (first, $0) } }
        }
        orderedCounts = Array(repeating: 0, count: pairs.count)
    }

    /// Samples seen.
    public var count: Int { together.count }

    /// Adds a batch.
    /// - Parameters:
    ///   - anchors, positives: F32 [B, n, m], base or mapped latents.
    ///   - ids: I64 [B], to name a sample in messages.
    /// - Throws: `Failure` (data) if the tensors do not fit each other or a distance is not finite, (usage) if the
    ///   latent lacks a chosen chunk or one of a group.
    public mutating func add(anchors: HostTensor, positives: HostTensor, ids: HostTensor) throws {
        guard anchors.type == .f32, positives.type == .f32, anchors.shape.count == 3,
            anchors.shape == positives.shape
        else {
            throw Failure(
                .data, "anchors \(anchors.type.rawValue) \(anchors.shape) and positives "
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
                    try add(first, second, ids, chunkCount: anchors.shape[1], dimension: anchors.shape[2])
                }
            }
        }
    }

    private mutating func add(
        _ first: UnsafeBufferPointer<Float>, _ second: UnsafeBufferPointer<Float>, _ ids: UnsafeBufferPointer<Int64>,
        chunkCount: Int, dimension: Int
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
            try checkFinite(norms, distances, ids[start..<start + samples], all, chunkCount)
            count(distances, norms, samples)
        }
    }

    /// - Throws: `Failure` (data) that names the first of the samples `ids` with a distance that is not finite.
    private func checkFinite(
        _ norms: [Double], _ distances: [Double], _ ids: Slice<UnsafeBufferPointer<Int64>>, _ all: [Double],
        _ chunkCount: Int
    ) throws {
        let rows = chunks.indices.count..<chunks.indices.count + groups.count
        let bad = ids.indices.enumerated().first { i, _ in
            !norms[i].isFinite || rows.contains { !distances[$0 * Self.blockSize + i].isFinite }
        }
        guard let bad else { return }
        let used = Set([chunks] + groups).flatMap(\.indices).sorted()
        let chunk = used.first { !all[bad.offset * chunkCount + $0].isFinite } ?? used[0]
        throw Failure(
            .data, "the latents of sample \(ids[bad.element]) hold a NaN or an infinity in chunk \(chunk)",
            "find the stage that made it; a diverged walker is one cause")
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
            for (number, pair) in pairs.enumerated() {
                let first = base + pair.first * Self.blockSize, second = base + pair.second * Self.blockSize
                var ordered = 0
                for i in 0..<samples { ordered += first[i] < second[i] ? 1 : 0 }
                orderedCounts[number] += ordered
            }
        }
    }

    /// Adds what another part of the stream has counted.
    /// - Throws: `Failure` (incompatible) if it is about other chunks.
    public mutating func merge(_ other: DeltaStatistics) throws {
        guard chunks == other.chunks, groups == other.groups else {
            throw Failure(
                .incompatible, "statistics of chunks \(chunks) and of \(other.chunks) do not add up",
                "choose the same chunks for both")
        }
        for position in perChunk.indices { perChunk[position].merge(other.perChunk[position]) }
        for position in perGroup.indices { perGroup[position].merge(other.perGroup[position]) }
        together.merge(other.together)
        for number in orderedCounts.indices { orderedCounts[number] += other.orderedCounts[number] }
    }

    /// How often chunk or group `first` moved less than `second`.
    public struct Ordering: Sendable, Equatable {
        public let first: Int
        public let second: Int
        /// Samples with δ^first < δ^second; a tie does not count.
        public let count: Int
        public let total: Int

        public init(first: Int, second: Int, count: Int, total: Int) {
            self.first = first
            self.second = second
            self.count = count
            self.total = total
        }

        /// NaN without samples.
        public var share: Double { Double(count) / Double(total) }

        /// Wilson's score interval of the share, by default at 95 %; all of 0 … 1 without samples.
        public func interval(z: Double = 1.959963984540054) -> ClosedRange<Double> {
            guard total > 0 else { return 0...1 }
            let n = Double(total), p = share
            let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
            let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
            // The bounds at 0 and at all are exact; rounding would miss them.
            return (count == 0 ? 0 : max(0, centre - half))...(count == total ? 1 : min(1, centre + half))
        }
    }

    /// Every pair of chosen chunks p < q: Assumption 3.1 says that δ^p < δ^q.
    public var orderings: [Ordering] { orderings { $0 < perChunk.count ? chunks.indices[$0] : nil } }

    /// The same for groups, by their positions in `groups`.
    public var groupOrderings: [Ordering] { orderings { $0 < perChunk.count ? nil : $0 - perChunk.count } }

    /// - Parameter number: what to call a row of distances; nil leaves it out.
    private func orderings(_ number: (Int) -> Int?) -> [Ordering] {
        zip(pairs, orderedCounts).compactMap { pair, ordered in
            guard let first = number(pair.first), let second = number(pair.second) else { return nil }
            return Ordering(first: first, second: second, count: ordered, total: count)
        }
    }
}
