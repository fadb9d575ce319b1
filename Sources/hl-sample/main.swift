import ArgumentParser
import HLCommand
import HLData
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// hl-sample: draws anchors, takes given latents, or reads real images.
struct Sample: Tool {
    static let configuration = describe(
        "hl-sample", "Draw latent vectors of a generator, or read real images, as a stream.",
        discussion: """
            Without -n the stream ends when its reader does. Sample number i of a seed is the same whatever -n, \
            --start, --shard, --batch and --threads are. Without --trunc anchors are cut off at 2 standard \
            deviations\(truncations).
            """)

    static let examples = [
        "hl-sample | hl-perturb --chunks 1-5 | hl-train",
        "hl-sample --clean --seed 1 -n 2000 -o test.hls",
        "hl-sample --weights BigBiGAN_x1.pth -n 64 --render | hl-view -o gan.png",
    ]

    @Option(
        name: [.customShort("n"), .customLong("count")],
        help: ArgumentHelp("Samples in all shards together; without it, without end. (integer from 0)", valueName: "n"))
    var count: Int?

    @OptionGroup var destination: OutputOption
    @OptionGroup var randomness: SeedOption

    @Option(help: ArgumentHelp("Id of the first sample. (integer from 0)", valueName: "id"))
    var start = 0

    @Option(
        help: ArgumentHelp(
            "Only the samples whose id leaves remainder K when divided by N; the N shards together are the whole. "
                + "(K/N with K from 0 to N-1)", valueName: "k/n"))
    var shard: Shard = Shard.whole

    @Option(help: ArgumentHelp("Samples per record; by default about 2 MB of them. (integer from 1)", valueName: "n"))
    var batch: Int?

    @Option(
        help: ArgumentHelp(
            "Latents from a file instead of drawn ones: a stream, .npy, .npz or .safetensors (array z.0 or z) of "
                + "shape [N, chunks, dimension] or [N, chunks x dimension]; mapped ones (w.0 or w) have the shape "
                + "[N, layers, width]; - is standard input. (path)", valueName: "file"), completion: .file())
    var from: String?

    @Option(
        help: ArgumentHelp(
            "Latents to write: z, or with w also the mapped latents that \(Self.mappingNames) layers take.",
            valueName: "space"))
    var latent: LatentSpace = .z

    @Option(
        help: ArgumentHelp("Real images instead of latents. (\(Datasets.forms))", valueName: "kind:dir"),
        completion: .list(Datasets.all.map { "\($0.name):" }))
    var data: String?

    @Option(help: ArgumentHelp("Split of the data set, a folder in DIR. (name)", valueName: "name"))
    var split: String?

    @Option(
        help: ArgumentHelp("Passes over the data set; 0 is without end. (integer from 0; default: 1)", valueName: "n"))
    var epochs: Int?

    @Flag(help: "Read the data set in random order, another one every epoch.")
    var shuffle = false

    @OptionGroup(title: "Generator") var network: GeneratorOptions
    @OptionGroup(title: "Distribution of the anchors") var normal: NormalOptions
    @OptionGroup(title: "Images") var images: RenderOptions
    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --size or --threads"

    /// What generators have of their own is for their anchors.
    private static var truncations: String {
        GeneratorCatalogue.all.filter { $0.defaultTruncation != standardTruncation }
            .map { ", those of \($0.name) at \($0.defaultTruncation)" }.joined()
    }

    private static var mappingNames: String {
        GeneratorCatalogue.mapping.map { "\($0.name)'s" }.joined(separator: " or ")
    }

    func validate() throws {
        if let count, count < 0 { throw refuse("cannot draw \(count) samples", "give -n a number from 0") }
        guard start >= 0 else { throw refuse("there is no sample \(start)", "give --start a number from 0") }
        guard start.addingReportingOverflow(count ?? 0).overflow == false else {
            throw refuse("--start and -n lead beyond the last id", "give smaller numbers")
        }
        if let batch, !(1...1 << 20).contains(batch) {
            throw refuse("a record cannot have \(batch) samples", "give --batch from 1 to 1048576")
        }
        if let epochs, epochs < 0 { throw refuse("cannot make \(epochs) epochs", "give --epochs a number from 0") }
        let distribution = normal.isGiven
        if data != nil {
            if network.isGiven || from != nil || latent != .z || distribution || images.render {
                throw refuse(
                    "--data takes none of the generator's options but --size, and no --from, --latent, --mean, --std, "
                        + "--trunc and --render", "leave them out")
            }
        } else if split != nil || epochs != nil || shuffle {
            throw refuse("--split, --epochs and --shuffle are for real images", "give --data too, or leave them out")
        }
        if from != nil && distribution {
            throw refuse("given latents have no --mean, --std and --trunc", "leave them out")
        }
        if images.pixels != .u8 && !images.render {
            throw refuse("--pixels is for attached images", "give --render too, or leave it out")
        }
    }

    func run() throws {
        let source = try makeSource()
        let output = try StreamOutput(path: destination.output)
        try output.writeHeader(source.header.appending(seed: randomness.seed))
        Console.note("seed \(randomness.seed), \(shared.threadCount) threads, \(source.summary)")
        let progress = Progress(total: source.total.map { shard.share(of: $0, from: start) })
        let next: () throws -> Batch?
        if shared.threadCount > 1 {
            // The next record is drawn while the last one is compressed and written.
            let ahead = Ahead(depth: 1) { try source.next() }
            next = { try ahead.next() }
        } else {
            next = { try source.next() }
        }
        while let batch = try next() {
            try output.write(batch)
            progress.advance(by: batch.count)
        }
        try output.finish()
        progress.finish()
    }

    private func makeSource() throws -> any SampleSource {
        let positions = Positions(start: start, count: count, shard: shard)
        if let data {
            let reading = ImageSource.Reading(
                side: network.size, shuffleSeed: shuffle ? randomness.seed : nil, epochs: epochs ?? 1, batchSize: batch,
                threads: shared.threadCount)
            return try ImageSource(data, split: split, reading, positions)
        }
        let request = Attachments.Request(
            latent: latent, rendersImages: images.render, pixels: images.pixels, isTrusted: network.isNamed,
            batchSize: batch, backend: computing.onDemand(shared))
        if let from { return try GivenLatents.open(from, of: network, positions, attaching: request) }
        let specification = try network.specification()
        let truncation = GeneratorCatalogue[specification.name]?.defaultTruncation ?? standardTruncation
        return try DrawnLatents(
            specification, try normal.distribution(truncation: truncation), seed: randomness.seed, positions,
            attaching: request, threads: shared.threadCount)
    }
}

runTool(Sample.self)
