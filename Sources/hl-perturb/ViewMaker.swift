import HLCommand
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// Makes the positives of a batch, views 1, 2, …, each F32 [B, n, m].
protocol ViewMaker {
    /// For the header, `hl.perturbation`.
    var json: JSONValue { get }
    func positives(of batch: Batch) throws -> [HostTensor]
}

/// The chunks of a stream's latents and their dimension.
private func latentShape(_ header: StreamHeader) throws -> (chunks: Int, dimension: Int) {
    let specification = try GeneratorSpecification(of: header)
    return (specification.chunks, specification.dimension)
}

/// z.0, F32 [B, n, m], which must have the shape that the header says.
private func anchors(of batch: Batch, _ shape: (chunks: Int, dimension: Int)) throws -> HostTensor {
    let latents = try batch.require("z.0", .f32, rank: 3)
    guard latents.shape[1] == shape.chunks, latents.shape[2] == shape.dimension else {
        throw Failure(
            .data, "z.0 has \(latents.shape[1]) chunks of \(latents.shape[2]) where the header says "
                + "\(shape.chunks) of \(shape.dimension)", "make the stream again with hl-sample")
    }
    return latents
}

/// Noise on chunks and groups.
struct RandomViews: ViewMaker {
    private let perturbation: RandomPerturbation
    private let shape: (chunks: Int, dimension: Int)
    private let threads: Int

    init(_ options: Perturb, _ header: StreamHeader) throws {
        shape = try latentShape(header)
        let count = shape.chunks
        let seed = options.randomness.seed
        let noise = try options.normal.distribution
        threads = options.shared.threadCount
        if options.groups.isEmpty {
            let chunks = try options.chunks.map { try ChunkSet(parsing: $0, count: count) } ?? Self.allButFirst(count)
            perturbation =
                options.sweep
                ? try .sweep(chunks: chunks, noise: noise, seed: seed)
                : try RandomPerturbation(
                    groups: [PerturbationGroup(chunks: chunks, noise: noise)], seed: seed, views: options.views ?? 1)
        } else {
            let groups = try options.groups.map { try PerturbationGroup(parsing: $0, defaults: noise) }
            try PerturbationGroup.validate(groups, count: count)
            perturbation =
                options.sweep
                ? try .sweep(groups: groups, seed: seed)
                : try RandomPerturbation(groups: groups, seed: seed, views: options.views ?? 1)
        }
    }

    private static func allButFirst(_ count: Int) throws -> ChunkSet {
        guard count > 1 else {
            throw Failure(.usage, "the latent has one chunk only", "choose it with --chunks 0")
        }
        return try ChunkSet(parsing: "1-\(count - 1)")
    }

    var json: JSONValue {
        var object = perturbation.json.object ?? JSONObject()
        object["seed"] =
            Int64(exactly: perturbation.seed).map { .integer($0) } ?? .string(String(perturbation.seed))
        return .object(object)
    }

    func positives(of batch: Batch) throws -> [HostTensor] {
        let latents = try anchors(of: batch, shape)
        return try perturbation.apply(to: latents, ids: try batch.require("id", .i64, rank: 1), threads: threads)
    }
}

/// A learned perturbation.
struct WalkedViews: ViewMaker {
    private let walker: Walker
    private let chunks: ChunkSet
    private let shape: (chunks: Int, dimension: Int)
    let json: JSONValue

    init(_ options: Perturb, _ walker: Walker, _ header: StreamHeader) throws {
        shape = try latentShape(header)
        self.walker = walker
        chunks = try walker.chunks(
            wanted: try options.chunks.map { try ChunkSet(parsing: $0) }, count: shape.chunks,
            dimension: shape.dimension)
        var object: JSONObject = ["chunks": .string(chunks.text), "views": 1]
        if let path = options.walker {
            object["walker"] = .string(path)
            object["sha256"] = .string(try SHA256.digest(ofFile: path))
        }
        json = .object(object)
    }

    func positives(of batch: Batch) throws -> [HostTensor] {
        let latents = try anchors(of: batch, shape)
        return [try walker.apply(to: latents, chunks: chunks)]
    }
}
