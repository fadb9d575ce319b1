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
    let seed: UInt64
    /// nil is one, or one per part of a sweep.
    let views: Int?
    let sweep: Bool

    /// What is asked for, of a generator with `count` chunks or layers.
    /// - Parameter learned: walkers with their chunks.
    func perturbation(_ learned: [Perturbation.Learned], count: Int) throws -> Perturbation {
        // Walkers alone bring no noise along.
        let noise = learned.isEmpty || !groups.isEmpty ? try randomPerturbation(count: count) : nil
        return try Perturbation(noise: noise, walkers: learned, sweep: sweep)
    }

    private func randomPerturbation(count: Int) throws -> RandomPerturbation {
        if groups.isEmpty {
            let chunks = try chunks.map { try ChunkSet(parsing: $0, count: count) } ?? Self.allButFirst(count)
            return
                sweep
                ? try .sweep(chunks: chunks, noise: noise, seed: seed)
                : try RandomPerturbation(
                    groups: [PerturbationGroup(chunks: chunks, noise: noise)], seed: seed, views: views ?? 1)
        }
        let groups = try groups.map { try PerturbationGroup(parsing: $0, defaults: noise) }
        try PerturbationGroup.validate(groups, count: count)
        return
            sweep
            ? try .sweep(groups: groups, seed: seed)
            : try RandomPerturbation(groups: groups, seed: seed, views: views ?? 1)
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
        if perturbation.noise == nil, !sweep, let groups = object["groups"]?.array, groups.count == 1,
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
