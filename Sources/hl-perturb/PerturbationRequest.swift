import HLFormats
import HLTensor
import HLViews

/// Which chunks the command line wants moved, and how.
struct PerturbationRequest {
    /// One group; nil is all chunks but 0, or the walker's.
    let chunks: String?
    let groups: [String]
    /// Of the noise, where a group does not say otherwise.
    let noise: TruncatedNormal
    /// With which a group moves, likewise.
    let probability: Double
    let seed: UInt64
    /// nil is one, or one per part where each has its own.
    let views: Int?
    let spread: ViewSpread
    /// Whether chunks are drawn anew instead of being added to.
    let redraw: Bool

    /// What is asked for, of a generator with `count` chunks or layers.
    /// - Parameter learned: walkers with their chunks.
    func perturbation(_ learned: [Perturbation.Learned], count: Int) throws -> Perturbation {
        // Walkers alone bring no noise along.
        let noise = learned.isEmpty || !groups.isEmpty ? try randomPerturbation(count: count) : nil
        return try Perturbation(noise: noise, walkers: learned, spread: spread)
    }

    private func randomPerturbation(count: Int) throws -> RandomPerturbation {
        let groups = try chosenGroups(count: count)
        try PerturbationGroup.validate(groups, count: count, mayShare: spread == .each)
        switch spread {
        case .together: return try RandomPerturbation(groups: groups, seed: seed, views: views ?? 1, isRedrawn: redraw)
        case .sweep: return try .sweep(groups: groups, seed: seed, isRedrawn: redraw)
        case .each: return try .each(of: groups, seed: seed, isRedrawn: redraw)
        }
    }

    private func chosenGroups(count: Int) throws -> [PerturbationGroup] {
        guard groups.isEmpty else {
            return try groups.map { try PerturbationGroup(parsing: $0, defaults: noise, probability: probability) }
        }
        let chunks = try chunks.map { try ChunkSet(parsing: $0, count: count) } ?? Self.allButFirst(count)
        let variation = try NoiseVariation(probability: probability)
        guard spread != .together else {
            return [PerturbationGroup(chunks: chunks, noise: noise, variation: variation)]
        }
        return PerturbationGroup.each(of: chunks, noise: noise, variation: variation)
    }

    private static func allButFirst(_ count: Int) throws -> ChunkSet {
        guard count > 1 else {
            throw Failure(.usage, "the latent has one chunk only", "choose it with --chunks 0")
        }
        return try ChunkSet(parsing: "1-\(count - 1)")
    }

    /// For the header, `hl.perturbation`: one walker and nothing else in short, everything else as groups.
    func json(_ perturbation: Perturbation) throws -> JSONObject {
        var object = try perturbation.json()
        if perturbation.noise == nil, spread == .together, let groups = object["groups"]?.array, groups.count == 1,
            var single = groups[0].object
        {
            single["views"] = 1
            return single
        }
        if let noise = perturbation.noise {
            object["seed"] = .seed(noise.seed)
        }
        return object
    }
}
