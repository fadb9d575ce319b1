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

extension Perturb {
    /// The views that the options ask for, of the latents that the header names.
    /// - Throws: `Failure`: usage for chunks or layers that the generator lacks, incompatible for a walker of another
    ///   generator; and as `makeMapper` where w is needed.
    func makeViews(_ walker: Walker?, _ header: StreamHeader, _ renderer: Renderer?) throws -> any ViewMaker {
        let specification = try GeneratorSpecification(of: header)
        guard let mapped = specification.mapped else {
            return try walker.map { try WalkedViews(self, $0, specification) } ?? RandomViews(self, specification)
        }
        return try MappedViews(self, walker, specification, mapped, renderer)
    }

    /// The noise that the options ask for, of a generator with `count` chunks or layers.
    fileprivate func perturbation(count: Int) throws -> RandomPerturbation {
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

    /// `hl.perturbation` of noise.
    fileprivate func json(_ perturbation: RandomPerturbation) -> JSONObject {
        var object = perturbation.json.object ?? JSONObject()
        object["seed"] =
            Int64(exactly: perturbation.seed).map { .integer($0) } ?? .string(String(perturbation.seed))
        return object
    }

    /// `hl.perturbation` of a walker.
    fileprivate func json(walked chunks: ChunkSet) throws -> JSONObject {
        var object: JSONObject = ["chunks": .string(chunks.text), "views": 1]
        if let walker {
            object["walker"] = .string(walker)
            object["sha256"] = .string(try SHA256.digest(ofFile: walker))
        }
        return object
    }
}

/// z.0, F32 [B, n, m], which must have the shape that the header says.
private func anchors(of batch: Batch, _ shape: LatentShape) throws -> HostTensor {
    let latents = try batch.require("z.0", .f32, rank: 3)
    guard latents.shape[1] == shape.chunks, latents.shape[2] == shape.dimension else {
        throw Failure(
            .data, "z.0 has \(latents.shape[1]) chunks of \(latents.shape[2]) where the header says "
                + "\(shape.chunks) of \(shape.dimension)", "make the stream again with hl-sample")
    }
    return latents
}

/// Noise on chunks and groups of z.
private struct RandomViews: ViewMaker {
    private let perturbation: RandomPerturbation
    private let shape: LatentShape
    private let threads: Int
    let json: JSONValue
    var viewCount: Int { perturbation.viewCount }

    init(_ options: Perturb, _ specification: GeneratorSpecification) throws {
        shape = specification.base
        threads = options.shared.threadCount
        perturbation = try options.perturbation(count: shape.chunks)
        json = .object(options.json(perturbation))
    }

    func tensors(for batch: Batch) throws -> NamedTensors {
        let latents = try anchors(of: batch, shape)
        let views = try perturbation.apply(
            to: latents, ids: try batch.require("id", .i64, rank: 1), threads: threads)
        return NamedTensors(zip(1..., views).map { ("z.\($0)", $1) })
    }
}

/// A learned perturbation of chunks of z.
private struct WalkedViews: ViewMaker {
    private let walker: Walker
    private let chunks: ChunkSet
    private let shape: LatentShape
    let json: JSONValue
    var viewCount: Int { 1 }

    init(_ options: Perturb, _ walker: Walker, _ specification: GeneratorSpecification) throws {
        shape = specification.base
        self.walker = walker
        chunks = try walker.chunks(
            wanted: try options.chunks.map { try ChunkSet(parsing: $0) }, count: shape.chunks,
            dimension: shape.dimension)
        json = .object(try options.json(walked: chunks))
    }

    func tensors(for batch: Batch) throws -> NamedTensors {
        ["z.1": try walker.apply(to: try anchors(of: batch, shape), chunks: chunks)]
    }
}

/// Noise or a walker on all of z, for layers of w.
private final class MappedViews: ViewMaker {
    private let views: LayerViews
    private let shape: LatentShape
    private let threads: Int
    private let makeMapper: () throws -> any LatentMapper
    private var mapper: (any LatentMapper)?
    let json: JSONValue
    var viewCount: Int { views.viewCount }

    init(
        _ options: Perturb, _ walker: Walker?, _ specification: GeneratorSpecification, _ mapped: LatentShape,
        _ renderer: Renderer?
    ) throws {
        let threads = options.shared.threadCount
        let source: LayerViews.Source
        var object: JSONObject
        if let walker {
            let layers = try walker.layers(
                wanted: try options.chunks.map { try ChunkSet(parsing: $0) }, count: mapped.chunks)
            source = .learned(walker, layers: layers)
            object = try options.json(walked: layers)
        } else {
            let perturbation = try options.perturbation(count: mapped.chunks)
            source = .random(perturbation)
            object = options.json(perturbation)
        }
        // The chunks are layers of w.
        object["latent"] = "w"
        json = .object(object)
        shape = specification.base
        self.threads = threads
        views = try LayerViews(source, base: shape, mapped: mapped)
        makeMapper = {
            guard specification.weights != nil else {
                throw Failure(
                    .incompatible, "the stream does not name the network that maps z to the layers' w",
                    "give --weights to hl-sample, or move all layers together with --chunks 0-\(mapped.chunks - 1)")
            }
            return try renderer?.mapper ?? specification.makeMapper(threads: threads)
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
