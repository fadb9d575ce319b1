import HLFormats
import HLTensor

/// Which views the groups of a perturbation go to.
package enum ViewSpread: Sendable, Hashable {
    /// All of them move in every view.
    case together
    /// One view per group, all with the same noise vector (the paper's Figure 2), in the order of their first chunks.
    case sweep
    /// One view per group, as they are given, each with noise of its own; groups may share chunks.
    case each
}

/// Random views: the anchor's latent with noise added on chosen chunks, or these chunks drawn anew, the others kept.
///
/// The noise of view v and group g is drawn for each sample id under the key (seed, perturbation, v, g), one draw per
/// group, so a sample's views depend on nothing else: not on batch, thread or shard, nor on the anchor's own numbers.
package struct RandomPerturbation: Sendable, Hashable {
    package let groups: [PerturbationGroup]
    package let seed: UInt64
    /// Positives per anchor; they are views 1 … viewCount.
    package let viewCount: Int
    package let spread: ViewSpread
    /// Whether what is drawn takes the place of a chunk instead of being added to it: the view has the chunk of another
    /// anchor, where the noise has the anchors' distribution.
    package let isRedrawn: Bool

    private init(groups: [PerturbationGroup], seed: UInt64, viewCount: Int, spread: ViewSpread, isRedrawn: Bool) {
        self.groups = groups
        self.seed = seed
        self.viewCount = viewCount
        self.spread = spread
        self.isRedrawn = isRedrawn
    }

    /// `views` positives, each with noise on all groups.
    /// - Throws: `Failure` (usage) for no group, overlapping groups or fewer than one view.
    package init(groups: [PerturbationGroup], seed: UInt64, views: Int = 1, isRedrawn: Bool = false) throws {
        guard views >= 1 else {
            throw Failure(.usage, "\(views) views were asked for", "ask for one view or more")
        }
        self.init(groups: groups, seed: seed, viewCount: views, spread: .together, isRedrawn: isRedrawn)
        try PerturbationGroup.validate(groups, count: ChunkSet.limit)
    }

    /// One view per group, in the order of `groups`, each with a draw of its own. The first is what `init` makes of that
    /// group alone.
    /// - Throws: `Failure` (usage) for no group.
    package static func each(
        of groups: [PerturbationGroup], seed: UInt64, isRedrawn: Bool = false
    ) throws -> RandomPerturbation {
        try PerturbationGroup.validate(groups, count: ChunkSet.limit, mayShare: true)
        return RandomPerturbation(
            groups: groups, seed: seed, viewCount: groups.count, spread: .each, isRedrawn: isRedrawn)
    }

    private var isSweep: Bool { spread == .sweep }

    /// One view per group, in the order of their first chunks. Every view adds the same vector, of one chunk's dimension, to each chunk of its group; where
    /// groups differ in distribution it is the same quantile of each.
    /// - Throws: `Failure` (usage) for no group or overlapping groups.
    package static func sweep(
        groups: [PerturbationGroup], seed: UInt64, isRedrawn: Bool = false
    ) throws -> RandomPerturbation {
        try PerturbationGroup.validate(groups, count: ChunkSet.limit)
        let ordered = groups.sorted { $0.chunks.indices[0] < $1.chunks.indices[0] }
        return RandomPerturbation(
            groups: ordered, seed: seed, viewCount: groups.count, spread: .sweep, isRedrawn: isRedrawn)
    }

    /// The key of the noise of a view (1 …) and group (0 …); a sweep has one for all, and where each group has a view
    /// the view's number tells them apart.
    package func key(view: Int, group: Int) -> RandomKey {
        RandomKey(
            seed: seed, purpose: .perturbation, view: isSweep ? 0 : view, group: spread == .together ? group : 0)
    }

    /// The key of what varies from sample to sample; it goes with that of the noise.
    private func variationKey(view: Int, group: Int) -> RandomKey {
        RandomKey(
            seed: seed, purpose: .noiseVariation, view: isSweep ? 0 : view, group: spread == .together ? group : 0)
    }

    /// Whether each sample's group moves in a view; nil where all do.
    func moves(view: Int, group: Int, ids: HostTensor) -> [Bool]? {
        let variation = groups[group].variation
        guard variation.probability < 1 else { return nil }
        let key = variationKey(view: view, group: group)
        return ids.withUnsafeElements(as: Int64.self) { $0.map { variation.draw($0, key).moves } }
    }

    /// The groups that view `view` moves, by number.
    package func groups(ofView view: Int) -> Range<Int> {
        spread == .together ? 0..<groups.count : view - 1..<view
    }

    /// The noise of one view and group on a whole latent of `dimension` values, F32 [ids, dimension], for generators
    /// whose chunks are mapped from one base latent (StyleGAN2 maps z + noise and takes it for the group's layers); where
    /// chunks are drawn anew it is that latent itself. Samples that do not move have noise like the others (`moves`).
    package func noise(
        view: Int, group: Int, ids: HostTensor, dimension: Int, threads: Int = 1
    ) -> HostTensor {
        let key = key(view: view, group: group), noise = groups[group].noise
        guard groups[group].variation.deviations != nil else {
            return noise.draw(ids: ids, perSample: dimension, key: key, threads: threads)
        }
        return HostTensor(.f32, shape: [ids.elementCount, dimension]) { bytes in
            let target = RowPointer(bytes.bindMemory(to: Float.self), rowSize: dimension)
            ids.withUnsafeElements(as: Int64.self) { ids in
                let count = ids.count
                let ids = ConstantRowPointer(ids, rowSize: 1)
                RowBlocks.forEach(rows: count, rowSize: dimension, threads: threads) { rows in
                    let ids = ids[rows.lowerBound]
                    let draws = draws(view, group, ids, rows.count)
                    fill(target[rows.lowerBound], view, group, draws, ids, rows.count, dimension)
                }
            }
        }
    }

    /// What varies from sample to sample, of `count` samples; nil where nothing does.
    private func draws(
        _ view: Int, _ number: Int, _ ids: UnsafePointer<Int64>, _ count: Int
    ) -> [(moves: Bool, deviation: Float?)]? {
        let variation = groups[number].variation, key = variationKey(view: view, group: number)
        return variation == .none ? nil : (0..<count).map { variation.draw(ids[$0], key) }
    }

    /// Writes the noise of `count` samples, `perSample` values each.
    /// - Parameter draws: of these samples.
    private func fill(
        _ target: UnsafeMutablePointer<Float>, _ view: Int, _ number: Int, _ draws: [(moves: Bool, deviation: Float?)]?,
        _ ids: UnsafePointer<Int64>, _ count: Int, _ perSample: Int
    ) {
        let group = groups[number], key = key(view: view, group: number)
        guard let draws, group.variation.deviations != nil else {
            return group.noise.fill(target, ids: ids, count, perSample, key)
        }
        // μ + σ · N^t(0, 1, t), with a σ for each sample.
        group.noise.unit.fill(target, ids: ids, count, perSample, key)
        let mean = Float(group.noise.mean)
        for row in 0..<count {
            guard let deviation = draws[row].deviation else { continue }
            let values = target + row * perSample
            for i in 0..<perSample { values[i] = mean + deviation * values[i] }
        }
    }

    /// The positives of a batch, views 1 … viewCount in order, each F32 [B, n, m] like `latent`.
    ///
    /// A group's draw for one sample is [its chunks, m] in ascending order of chunks.
    /// - Parameters:
    ///   - latent: the anchors, F32 [B, n, m].
    ///   - ids: I64 [B].
    /// - Throws: `Failure` (usage) if the latent lacks a chosen chunk; (data) if the tensors do not fit each other.
    package func apply(to latent: HostTensor, ids: HostTensor, threads: Int = 1) throws -> [HostTensor] {
        guard latent.type == .f32, latent.shape.count == 3 else {
            throw Failure(
                .data,
                "a latent is \(latent.type.rawValue) \(latent.shape) instead of F32 [samples, chunks, dimension]",
                "make the stream again with hl-sample")
        }
        guard ids.type == .i64, ids.shape == [latent.shape[0]] else {
            throw Failure(
                .data, "\(latent.shape[0]) latents have ids \(ids.type.rawValue) \(ids.shape)",
                "make the stream again with hl-sample")
        }
        try PerturbationGroup.validate(groups, count: latent.shape[1], mayShare: spread == .each)
        return (1...viewCount).map { positive($0, of: latent, ids: ids, threads: threads) }
    }

    private func positive(_ view: Int, of latent: HostTensor, ids: HostTensor, threads: Int) -> HostTensor {
        let count = latent.rowCount, rowSize = latent.rowSize
        let dimension = latent.shape[2]
        return HostTensor(.f32, shape: latent.shape) { bytes in
            let target = RowPointer(bytes.bindMemory(to: Float.self), rowSize: rowSize)
            latent.withUnsafeElements(as: Float.self) { latent in
                ids.withUnsafeElements(as: Int64.self) { ids in
                    let source = ConstantRowPointer(latent, rowSize: rowSize)
                    let ids = ConstantRowPointer(ids, rowSize: 1)
                    RowBlocks.forEach(rows: count, rowSize: rowSize, threads: threads) { rows in
                        addNoise(view, source, ids, target, rows, rowSize, dimension)
                    }
                }
            }
        }
    }

    private func addNoise(
        _ view: Int, _ source: ConstantRowPointer<Float>, _ ids: ConstantRowPointer<Int64>, _ target: RowPointer,
        _ rows: Range<Int>, _ rowSize: Int, _ dimension: Int
    ) {
        if rowSize == 0 { return }
        target[rows.lowerBound].update(from: source[rows.lowerBound], count: rows.count * rowSize)
        for number in groups(ofView: view) {
            let group = groups[number]
            let chunks = group.chunks.indices
            let perSample = isSweep ? dimension : chunks.count * dimension
            // Blocks whose noise stays in cache.
            let step = max(1, 8192 / max(perSample, 1))
            let noise = UnsafeMutablePointer<Float>.allocate(capacity: max(1, min(step, rows.count) * perSample))
            defer { noise.deallocate() }
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
                let count = min(step, rows.upperBound - start)
                let draws = draws(view, number, ids[start], count)
                fill(noise, view, number, draws, ids[start], count, perSample)
                for row in 0..<count where draws?[row].moves ?? true {
                    for (position, chunk) in chunks.enumerated() {
                        let values = target[start + row] + chunk * dimension
                        let added = noise + row * perSample + (isSweep ? 0 : position * dimension)
                        if isRedrawn {
                            values.update(from: added, count: dimension)
                        } else {
                            for i in 0..<dimension { values[i] += added[i] }
                        }
                    }
                }
            }
        }
    }
}
