import HLFormats
import HLTensor

/// How the views of an anchor come about: noise on groups of chunks, learned steps on the chunks of walkers, or both. For
/// generators with mapped latents chunks are layers.
package struct Perturbation {
    /// A walker and the chunks that it moves.
    package typealias Learned = (walker: Walker, chunks: ChunkSet)

    /// What moves some chunks of a view.
    package enum Part {
        /// The noise's group of that number.
        case noise(group: Int)
        case walker(Walker)
    }

    package let noise: RandomPerturbation?
    package let walkers: [Learned]
    /// Whether groups and walkers move together or have a view each: of a sweep in the order of their first chunks, else
    /// as they are given, the walkers last.
    package let spread: ViewSpread

    /// - Parameter spread: that of `noise` too.
    /// - Throws: `Failure(.usage)` where nothing moves, or where a chunk of a view would be moved twice.
    package init(noise: RandomPerturbation? = nil, walkers: [Learned] = [], spread: ViewSpread = .together) throws {
        precondition(noise.map { $0.spread == spread } ?? true)
        self.noise = noise
        self.walkers = walkers
        self.spread = spread
        guard !chunkSets.isEmpty else {
            throw Failure(.usage, "no chunk is perturbed", "choose chunks, groups or walkers")
        }
        if spread == .each { return }
        var owner: [Int: Int] = [:]
        for (number, chunks) in chunkSets.enumerated() {
            for chunk in chunks.indices {
                if let other = owner.updateValue(number, forKey: chunk) {
                    throw Failure(
                        .usage, "chunk \(chunk) is moved by \(title(other)) and by \(title(number))",
                        "give each chunk to one of them, as FILE:\(chunk) does")
                }
            }
        }
    }

    /// The chunks of the groups, then those of the walkers.
    private var chunkSets: [ChunkSet] { (noise?.groups.map(\.chunks) ?? []) + walkers.map(\.chunks) }

    private func title(_ number: Int) -> String {
        let groups = noise?.groups.count ?? 0
        return number < groups ? "the group \(chunkSets[number])" : walkers[number - groups].walker.name
    }

    private func part(_ number: Int) -> Part {
        let groups = noise?.groups.count ?? 0
        return number < groups ? .noise(group: number) : .walker(walkers[number - groups].walker)
    }

    /// Positives per anchor; they are views 1 … viewCount.
    package var viewCount: Int { hasViewEach ? chunkSets.count : noise?.viewCount ?? 1 }

    private var hasViewEach: Bool { spread != .together }

    /// Numbers of the chunk sets in the order of the views that they have each, or in their own.
    private var order: [Int] {
        guard spread == .sweep else { return Array(chunkSets.indices) }
        return chunkSets.indices.sorted { chunkSets[$0].indices[0] < chunkSets[$1].indices[0] }
    }

    /// What moves in view `view`, and which chunks.
    package func parts(ofView view: Int) -> [(part: Part, chunks: ChunkSet)] {
        let numbers = hasViewEach ? [order[view - 1]] : order
        return numbers.map { (part($0), chunkSets[$0]) }
    }

    /// - Throws: `Failure(.usage)` if a latent of `count` chunks lacks one.
    package func validate(count: Int) throws { for chunks in chunkSets { try chunks.validate(count: count) } }

    /// The positives of a batch, views 1 … viewCount in order, each F32 [B, n, m] like `latent`.
    /// - Parameters: as of `RandomPerturbation.apply`.
    /// - Throws: as `RandomPerturbation.apply`; `Failure(.data)` naming the sample where a walker is given, or makes,
    ///   what is no number.
    package func apply(to latent: HostTensor, ids: HostTensor, threads: Int = 1) throws -> [HostTensor] {
        let noisy = try noise?.apply(to: latent, ids: ids, threads: threads)
        if walkers.isEmpty { return noisy ?? [] }
        try validate(count: latent.shape[1])
        try latent.requireFinite("z.0", ids: ids)
        return try (1...viewCount).map { view in
            var positive = hasViewEach ? latent : noisy?[view - 1] ?? latent
            for (part, chunks) in parts(ofView: view) {
                switch part {
                case .noise(let group): if hasViewEach { positive = noisy?[group] ?? positive }
                // The chunks that it moves are still the anchor's.
                case .walker(let walker): positive = try walker.apply(to: positive, chunks: chunks)
                }
            }
            try positive.requireFinite("z.\(view)", ids: ids)
            return positive
        }
    }

    /// For headers: the groups as they are numbered, by which their noise is drawn, then the walkers; where each has a view
    /// in the order of the views.
    /// - Throws: `Failure` where a walker's file cannot be read for its SHA-256.
    package func json() throws -> JSONObject {
        let groups: [JSONValue] = try order.map { number in
            switch part(number) {
            case .noise(let group): noise?.groups[group].json ?? .null
            case .walker(let walker): .object(try walker.json(moving: chunkSets[number]))
            }
        }
        var object: JSONObject = [
            "groups": .array(groups), "views": .integer(Int64(viewCount)), "sweep": .bool(spread == .sweep),
        ]
        // What streams of before do not have is said only where it is so.
        if spread == .each { object["each"] = true }
        if noise?.isRedrawn == true { object["redraw"] = true }
        return object
    }
}
