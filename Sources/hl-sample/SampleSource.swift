import HLCommand
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// Where anchors come from.
protocol SampleSource: BatchSource {
    /// Ids from `--start` on, over all shards, where their number is known.
    var total: Int? { get }
    /// For `--verbose`.
    var summary: String { get }
    /// What is to be said at the end, such as what was left out.
    var conclusion: String? { get }
    /// What is written for a header of the stream that it reads, where it reads one.
    func adapted(_ header: StreamHeader) -> StreamHeader
}

extension SampleSource {
    var conclusion: String? { nil }
    func adapted(_ header: StreamHeader) -> StreamHeader { header }
}

/// Attaches to latents what their generator knows: labels, mapped latents, and images where they are wanted.
final class Attachments {
    /// What the command line asks for.
    struct Request {
        /// w takes the mapped latents along.
        let latent: LatentSpace
        let rendersImages: Bool
        let pixels: PixelType
        /// Whether a command that renders comes from this command line.
        let isTrusted: Bool
        /// Samples per record; nil for about 2 MB of them.
        let batchSize: Int?
        let backend: BackendOnDemand
    }

    private let renderer: Renderer?
    private let oracle: (any Oracle)?
    private let mapper: (any LatentMapper)?
    private let pixels: PixelType
    /// Samples of a record.
    let batchSize: Int

    /// - Parameter hasMapped: whether the latents come with their w.
    init(
        _ request: Request, _ specification: GeneratorSpecification, _ header: StreamHeader, hasMapped: Bool = false
    ) throws {
        let wantsMapped = request.latent == .w && !hasMapped
        if wantsMapped && (specification.mapped == nil || specification.weights == nil) {
            let titles = GeneratorCatalogue.mapping.map(\.title).joined(separator: " or ")
            throw Failure(
                .usage, "mapped latents w need the weights of a \(titles) network",
                "give --weights, or leave out --latent w")
        }
        if request.rendersImages && GeneratorCatalogue[specification.name]?.needsWeights == true
            && specification.weights == nil
        {
            throw Failure(
                .usage, "the images of \(specification.name) need its weights",
                "give --weights too, or leave out --render")
        }
        renderer =
            request.rendersImages
            ? try Renderer(header, on: try request.backend(), trusted: request.isTrusted) : nil
        try renderer?.requireGenerator()
        mapper =
            wantsMapped
            ? try renderer?.mapper ?? specification.makeMapper(on: request.backend(), trusted: request.isTrusted) : nil
        oracle = try specification.makeOracle()
        pixels = request.pixels
        let side = specification.resolution
        let pixelBytes = renderer == nil ? 0 : 3 * side * side * (pixels == .u8 ? 1 : 4)
        let mappedBytes = mapper == nil && !hasMapped ? 0 : 4 * (specification.mapped?.size ?? 0)
        let bytes = specification.base.size * 4 + 16 + mappedBytes + pixelBytes
        var fitting = 4096
        while fitting > 8 && fitting * bytes > 2_100_000 { fitting /= 2 }
        // Fewer samples than the mapping network takes at a time would pack its weights more often.
        if mapper != nil && renderer == nil { fitting = max(fitting, mappingBlock) }
        batchSize = request.batchSize ?? fitting
    }

    /// - Parameters:
    ///   - z: F32 [B, chunks, dimension].
    ///   - w: F32 [B, layers, width], where it is given.
    func batch(ids: HostTensor, z: HostTensor?, w: HostTensor? = nil) throws -> Batch {
        var tensors: NamedTensors = ["id": ids]
        tensors["z.0"] = z
        if let z, let oracle { tensors["y"] = oracle.labels(of: z) }
        tensors["w.0"] = try w ?? z.flatMap { try mapper?.map($0) }
        if w == nil, let mapped = tensors["w.0"] {
            try mapped.requireFinite("w.0", ids: ids, remedy: "give latents and a --psi of ordinary size")
        }
        let batch = try Batch(tensors)
        return try renderer?.attachingImages(to: batch, pixels: pixels) ?? batch
    }
}

/// The ids first, first + step, ….
func ids(from first: Int, count: Int, step: Int) -> HostTensor {
    HostTensor((0..<count).map { Int64(first + $0 * step) }, shape: [count])
}

/// Anchors drawn from N^t.
final class DrawnLatents: SampleSource {
    let header: StreamHeader
    let total: Int?
    let summary: String
    private let attachments: Attachments
    private let distribution: TruncatedNormal
    private let specification: GeneratorSpecification
    private let key: RandomKey
    private let threads: Int
    private var positions: Positions

    init(
        _ specification: GeneratorSpecification, _ distribution: TruncatedNormal, seed: UInt64, _ positions: Positions,
        attaching request: Attachments.Request, threads: Int
    ) throws {
        var latent = distribution.json.object ?? JSONObject()
        latent["seed"] = .seed(seed)
        header = StreamHeader(generator: specification.json, latent: .object(latent))
        total = positions.count
        summary = "anchors of \(specification.name) from \(distribution)"
        attachments = try Attachments(request, specification, header)
        self.distribution = distribution
        self.specification = specification
        key = RandomKey(seed: seed, purpose: .anchor)
        self.threads = threads
        self.positions = positions
    }

    func next() throws -> Batch? {
        let (first, count) = positions.take(attachments.batchSize)
        guard count > 0 else { return nil }
        let (chunks, dimension) = (specification.chunks, specification.dimension)
        let step = positions.shard.count
        let ids = ids(from: first, count: count, step: step)
        let latents =
            step == 1
            ? distribution.draw(
                first: Int64(first), count: count, perSample: chunks * dimension, key: key, threads: threads)
            : distribution.draw(ids: ids, perSample: chunks * dimension, key: key, threads: threads)
        return try attachments.batch(ids: ids, z: latents.reshaped([count, chunks, dimension]))
    }
}
