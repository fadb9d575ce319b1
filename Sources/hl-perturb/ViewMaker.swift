import HLCommand
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// Makes the positives of a batch, views 1, 2, ….
protocol ViewMaker {
    /// For the header, `hl.perturbation`.
    var json: JSONValue { get }
    var viewCount: Int { get }
    /// Samples that it takes at a time; nil is as they come.
    var blockSize: Int? { get }
    /// What the views add to the batch: z.1 …, or w.0 and w.1 ….
    func tensors(for batch: Batch) throws -> NamedTensors
}

extension ViewMaker {
    var blockSize: Int? { nil }
}

/// A walker, and the chunks or layers that the command line gives it.
typealias ChosenWalker = (walker: Walker, chunks: ChunkSet?)

extension Perturb {
    /// The views that the options ask for, of the latents that the header names.
    /// - Throws: `Failure`: usage for chunks or layers that the generator lacks or that would be moved twice, incompatible
    ///   for a walker of another generator; and as `makeMapper` where w is needed.
    func makeViews(
        _ walkers: [ChosenWalker], _ header: StreamHeader, _ renderer: Renderer?, on backend: BackendOnDemand
    ) throws -> any ViewMaker {
        let specification = try GeneratorSpecification(of: header)
        for choice in walkers { try choice.walker.check(for: specification) }
        guard let mapped = specification.mapped else { return try ChunkViews(self, walkers, specification) }
        return try MappedViews(self, walkers, specification, mapped, renderer, on: backend)
    }

    /// What the options ask for, of a generator with `count` chunks or layers.
    /// - Parameter learned: walkers with their chunks.
    fileprivate func perturbation(_ learned: [Perturbation.Learned], count: Int) throws -> Perturbation {
        // Walkers alone bring no noise along.
        let noise = learned.isEmpty || !groups.isEmpty ? try noise(count: count) : nil
        return try Perturbation(noise: noise, walkers: learned, sweep: sweep)
    }

    /// The noise that the options ask for, of a generator with `count` chunks or layers.
    private func noise(count: Int) throws -> RandomPerturbation {
        let seed = randomness.seed
        let noise = try normal.distribution()
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
    fileprivate func json(_ perturbation: Perturbation) throws -> JSONObject {
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

/// z.0, F32 [B, n, m], which must have the shape that the header says.
private func anchors(of batch: Batch, _ shape: LatentShape) throws -> HostTensor {
    let latents = try batch.require("z.0", .f32, rank: 3)
    try shape.require(latents, "z.0")
    return latents
}

/// Noise and walkers on chunks of z.
private struct ChunkViews: ViewMaker {
    private let perturbation: Perturbation
    private let shape: LatentShape
    private let threads: Int
    let json: JSONValue
    var viewCount: Int { perturbation.viewCount }

    init(_ options: Perturb, _ walkers: [ChosenWalker], _ specification: GeneratorSpecification) throws {
        let shape = specification.base
        self.shape = shape
        threads = options.shared.threadCount
        let learned = try walkers.map { choice in
            (
                choice.walker,
                try choice.walker.chunks(wanted: choice.chunks, count: shape.chunks, dimension: shape.dimension)
            )
        }
        perturbation = try options.perturbation(learned, count: shape.chunks)
        json = .object(try options.json(perturbation))
    }

    func tensors(for batch: Batch) throws -> NamedTensors {
        let latents = try anchors(of: batch, shape)
        let views = try perturbation.apply(
            to: latents, ids: try batch.require("id", .i64, rank: 1), threads: threads)
        return NamedTensors(zip(1..., views).map { ("z.\($0)", $1) })
    }
}

/// Noise and walkers on all of z, for layers of w.
private final class MappedViews: ViewMaker {
    private let views: LayerViews
    private let shape: LatentShape
    private let threads: Int
    private let makeMapper: () throws -> any LatentMapper
    private var mapper: (any LatentMapper)?
    let json: JSONValue
    var viewCount: Int { views.viewCount }

    init(
        _ options: Perturb, _ walkers: [ChosenWalker], _ specification: GeneratorSpecification, _ mapped: LatentShape,
        _ renderer: Renderer?, on backend: BackendOnDemand
    ) throws {
        let threads = options.shared.threadCount
        let learned = try walkers.map { choice in
            (choice.walker, try choice.walker.layers(wanted: choice.chunks, count: mapped.chunks))
        }
        let perturbation = try options.perturbation(learned, count: mapped.chunks)
        var object = try options.json(perturbation)
        // The chunks are layers of w.
        object["latent"] = "w"
        json = .object(object)
        shape = specification.base
        self.threads = threads
        views = try LayerViews(perturbation, base: shape, mapped: mapped)
        makeMapper = {
            guard specification.weights != nil else {
                throw Failure(
                    .incompatible, "the stream does not name the network that maps z to the layers' w",
                    "give --weights to hl-sample, or move all layers together with --chunks 0-\(mapped.chunks - 1)")
            }
            return try renderer?.mapper ?? specification.makeMapper(on: backend())
        }
        // What is missing is said before the stream is waited for.
        if !views.needsNoMapping { mapper = try makeMapper() }
    }

    /// Mapped latents are large.
    var blockSize: Int? { views.needsNoMapping ? nil : mappingBlock }

    func tensors(for batch: Batch) throws -> NamedTensors {
        let w = batch.tensors["w.0"]
        if w != nil && batch.tensors["z.0"] == nil {
            throw Failure(
                .incompatible, "the stream has mapped latents w.0 alone, and it is z that is moved",
                "give this program a stream with z.0, such as hl-sample --latent w writes")
        }
        return try views.tensors(
            z: try anchors(of: batch, shape), w: try w.map { _ in try batch.require("w.0", .f32, rank: 3) },
            ids: try batch.require("id", .i64, rank: 1), threads: threads
        ) {
            let made = try mapper ?? makeMapper()
            mapper = made
            return made
        }
    }
}
