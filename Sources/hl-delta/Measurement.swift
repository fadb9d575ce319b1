import HLCommand
import HLFormats
import HLGenerators
import HLStatistics
import HLTensor
import HLViews

/// What hl-delta counts along a stream. Its size does not depend on the stream's length.
struct Measurement {
    private(set) var statistics: DeltaStatistics
    /// Where the generator has an oracle.
    private(set) var boundary: BoundaryStatistics?
    let space: LatentSpace
    let view: Int
    /// The shape of a latent.
    let shape: LatentShape
    /// Whether the generator was trained with labels.
    let hasSeenLabels: Bool

    /// For --suggest.
    private var anchorDistances: AnchorDistances?
    private let specification: GeneratorSpecification?
    /// Where noise on z is to be tried on layers of w: the network that maps it, and the first anchors' z and ids.
    private let mapper: (any LatentMapper)?
    private var trialAnchors: [(z: HostTensor, ids: HostTensor)] = []

    /// The pairs of as many chunks fit in memory, and in a report.
    private static let mostChunks = 256

    /// What the command line asks for.
    struct Request {
        /// To compare with the anchor.
        let view: Int
        /// nil is all.
        let chunks: String?
        let groups: [String]
        /// Whether noise with the same mean is to be found.
        let wantsSuggestion: Bool
        /// What maps the latents of that noise.
        let backend: BackendOnDemand
    }

    /// - Parameter first: the first batch, which says what the stream has; it is not added.
    /// - Throws: `Failure`: usage for chunks that the latent lacks, data where there are no latents of two views.
    init(_ request: Request, _ header: StreamHeader, _ first: Batch, name: String) throws {
        view = request.view
        space = first.tensors["w.0"] != nil && first.tensors["w.\(view)"] != nil ? .w : .z
        let anchors = try first.require("\(space.rawValue).0", .f32, rank: 3)
        guard anchors.shape[1] > 0 else {
            throw Failure(.data, "the latents of \(name) have no chunks", "make the stream again")
        }
        let shape = LatentShape(chunks: anchors.shape[1], dimension: anchors.shape[2])
        self.shape = shape
        hasSeenLabels = header.generatorHasSeenLabels
        specification = try GeneratorSpecification.ifKnown(by: header)
        try specification?.shape(in: space)?.require(anchors, "\(space.rawValue).0")
        guard request.chunks != nil || shape.chunks <= Self.mostChunks else {
            throw Failure(
                .data, "a latent of \(shape.chunks) chunks has too many pairs of them to count",
                "choose some with --chunks")
        }
        let chunks =
            try request.chunks.map { try ChunkSet(parsing: $0, count: shape.chunks) } ?? ChunkSet(all: shape.chunks)
        let groups = try request.groups.map { try ChunkSet(parsing: $0, count: shape.chunks) }
        statistics = DeltaStatistics(chunks: chunks, groups: groups)
        if space == .z {
            boundary = (try specification?.makeOracle() as? any BoundaryOracle).map(BoundaryStatistics.init)
        }
        if request.wantsSuggestion { anchorDistances = AnchorDistances(chunks: chunks, groups: groups) }
        mapper =
            request.wantsSuggestion && space == .w && specification?.mapped != nil
            ? try specification?.makeMapper(on: request.backend()) : nil
    }

    mutating func add(_ batch: Batch) throws {
        let names = ("\(space.rawValue).0", "\(space.rawValue).\(view)")
        let anchors = try batch.require(names.0, .f32, rank: 3), positives = try batch.require(names.1, .f32, rank: 3)
        let ids = try batch.require("id", .i64, rank: 1)
        try statistics.add(anchors: anchors, positives: positives, ids: ids, names: names)
        try boundary?.add(anchors: anchors, positives: positives, ids: ids)
        guard anchorDistances != nil else { return }
        try anchorDistances?.add(anchors: anchors, ids: ids, name: names.0)
        let kept = trialAnchors.reduce(0) { $0 + $1.ids.rowCount }
        if mapper != nil && kept < MappedNoise.sampleCount {
            let rows = Array(0..<min(batch.count, MappedNoise.sampleCount - kept))
            let z = try batch.require("z.0", .f32, rank: 3)
            guard let base = specification?.base, z.shape[1] == base.chunks, z.shape[2] == base.dimension else {
                throw Failure(
                    .data,
                    "z.0 has \(z.shape[1]) chunks of \(z.shape[2]), which the generator of the header does not take",
                    "make the stream again with hl-sample")
            }
            trialAnchors.append((z.gather(rows), ids.gather(rows)))
        }
    }

    /// The chunks of mapped latents are layers.
    var unit: String { space == .w ? "layer" : "chunk" }

    /// Noise that does on average what the stream's positives did: for the groups where there are any, else per chunk.
    /// - Throws: as `NoiseSuggestion`.
    func suggestion() throws -> NoiseSuggestion {
        let apart = anchorDistances?.statistics
        func parts(
            _ sets: [ChunkSet], _ moved: [StreamingDistribution], _ between: [StreamingDistribution]?
        ) -> [NoiseSuggestion.Part] {
            zip(sets, moved).enumerated().map { number, part in
                let apart = between.map { $0[number].count > 0 ? $0[number].mean : .nan } ?? .nan
                return NoiseSuggestion.Part(chunks: part.0, delta: part.1, apart: apart)
            }
        }
        var wanted =
            statistics.groups.isEmpty
            ? parts(statistics.chunks.indices.map { ChunkSet($0) }, statistics.perChunk, apart?.perChunk)
            : parts(statistics.groups, statistics.perGroup, apart?.perGroup)
        guard let specification, let mapped = specification.mapped else {
            return try NoiseSuggestion(wanted, unit: unit) {
                try NoiseSuggestion.deviation(ofChunks: $0, dimension: shape.dimension, mean: $1)
            }
        }
        if space == .z {
            // A view that is one z moves all layers together; they are what hl-perturb counts.
            wanted = wanted.map { .init(chunks: ChunkSet(all: mapped.chunks), delta: $0.delta, apart: $0.apart) }
            return try NoiseSuggestion(wanted, unit: "layer") {
                try NoiseSuggestion.deviation(ofChunks: ChunkSet(0), dimension: shape.dimension, mean: $1)
            }
        }
        guard let mapper else { throw Failure(.software, "nothing maps latents to w", "report this defect") }
        let noise = try MappedNoise(
            mapper, groups: wanted.map(\.chunks),
            anchors: HostTensor.concatenate(trialAnchors.map(\.z)), ids: HostTensor.concatenate(trialAnchors.map(\.ids))
        )
        return try NoiseSuggestion(wanted, unit: unit) { try noise.deviation(of: $0, distance: $1) }
    }
}
