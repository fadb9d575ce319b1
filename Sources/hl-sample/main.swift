import ArgumentParser
import HLCommand
import HLData
import HLEncoders
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
            "Only the samples whose id leaves remainder K when divided by N; the N shards together are the whole. mpi "
                + "takes rank and number of the processes that mpirun or srun has started. (K/N with K from 0 to N-1, "
                + "or mpi)", valueName: "k/n"))
    var shard = ShardChoice.part(.whole)

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
        help: ArgumentHelp(
            "Real images instead of latents, with their labels: a data set as its authors published it, and settings of "
                + "it, as hl-data(7) tells. (NAME:DIR or NAME:DIR,key=value, where NAME is \(Datasets.names))",
            valueName: "name:dir"),
        completion: .list(Datasets.all.map { "\($0.name):" }))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Split of the data set, as published or a folder in DIR; by default the first that hl-data(7) names. (name)",
            valueName: "name"))
    var split: String?

    @Flag(help: "Refuse a data set of which images that its lists name are gone, instead of saying how many.")
    var strict = false

    @Option(
        help: ArgumentHelp("Passes over the data set; 0 is without end. (integer from 0; default: 1)", valueName: "n"))
    var epochs: Int?

    @Flag(help: "Read the data set in random order, another one every epoch.")
    var shuffle = false

    @Flag(help: "Keep a class without images, and its label, instead of refusing the data set.")
    var allowEmpty = false

    @Flag(
        help: ArgumentHelp(
            "Leave out images that are damaged or cannot be opened, and say how many at the end; else the first one ends "
                + "the stream."))
    var skipDamaged = false

    @Option(
        help: ArgumentHelp(
            "Random crop and flip of T_x, made here in one pass from the files: the rectangles that hl-train with this "
                + "--seed would draw, in the whole image or in the square in its middle; images have 7/8 of --size. "
                + "(image or square)", valueName: "of"))
    var randomResizedCrop: PreparedCrop.Frame?

    @Option(
        help: ArgumentHelp(
            "With --random-resized-crop, crops of each image. (integer from 1 to 16; default: 2)", valueName: "n"))
    var views: Int?

    @Option(
        help: ArgumentHelp(
            "How much of a JPEG is decoded: whole, as by Pillow, or scaled to a half or a quarter where that is enough. "
                + "(whole or scaled; default: whole, for random crops scaled)", valueName: "how"))
    var decode: Decoding?

    @OptionGroup(title: "Generator") var network: GeneratorOptions
    @OptionGroup(title: "Distribution of the anchors") var normal: NormalOptions
    @OptionGroup(title: "Images") var images: RenderOptions
    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
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
        _ = try shard.resolved()
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
            if views != nil && randomResizedCrop == nil {
                throw refuse("--views is for random crops", "give --random-resized-crop too, or leave it out")
            }
            if let views, !(1...16).contains(views) {
                throw refuse("cannot make \(views) crops of an image", "give --views from 1 to 16")
            }
        } else if split != nil || epochs != nil || shuffle || allowEmpty || skipDamaged || strict
            || randomResizedCrop != nil || views != nil || decode != nil
        {
            throw refuse(
                "--split, --strict, --epochs, --shuffle, --allow-empty, --skip-damaged, --random-resized-crop, --views "
                    + "and --decode are for real images", "give --data too, or leave them out")
        }
        if from != nil && distribution {
            throw refuse("given latents have no --mean, --std and --trunc", "leave them out")
        }
        if images.pixels != .u8 && !images.render {
            throw refuse("--pixels is for attached images", "give --render too, or leave it out")
        }
    }

    func run() throws {
        let shard = try shard.resolved()
        if isEndless && destination.isFile {
            let name = destination.output == "-" ? "standard output" : destination.output
            throw refuse(
                "without -n the stream never ends, and \(name) is a file",
                "give -n\(data == nil ? "" : " or --epochs"), or write into a pipe")
        }
        let source = try makeSource(shard)
        let output = try StreamOutput(path: destination.output)
        try Recording.begin(recording, beside: destination.output, seed: randomness.seed)
        try output.begin(source.header) { source.adapted($0).appending(seed: randomness.seed) }
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
        do {
            while let batch = try next() {
                for rows in records(of: batch) {
                    try output.write(rows.count == batch.count ? batch : batch.rows(rows))
                }
                progress.advance(by: batch.count)
            }
            try output.finish()
        } catch let end as BrokenPipe {
            // A reader that has enough ends most streams.
            source.conclusion.map(warn)
            throw end
        }
        progress.finish()
        source.conclusion.map(warn)
    }

    /// The records that a batch becomes. Images in a file are read again in any order: who wants one of them should not have
    /// to decompress many.
    private func records(of batch: Batch) -> [Range<Int>] {
        let bytes = batch.tensors.reduce(0) { $0 + $1.tensor.byteCount } / max(1, batch.count)
        guard destination.output != "-", self.batch == nil, batch.tensors["x.0"] != nil else {
            return [0..<batch.count]
        }
        let size = max(1, Self.storedRecordBytes / max(1, bytes))
        return stride(from: 0, to: batch.count, by: size).map { $0..<min($0 + size, batch.count) }
    }

    /// Of images in a file: a tenth of a millisecond to decompress.
    private static let storedRecordBytes = 1 << 17

    /// Latents of a file end with it, and so do the passes over a data set.
    private var isEndless: Bool { count == nil && from == nil && (data == nil || epochs == 0) }

    private func makeSource(_ shard: Shard) throws -> any SampleSource {
        let positions = Positions(start: start, count: count, shard: shard)
        if let data {
            let reading = ImageSource.Reading(
                side: network.size,
                crop: randomResizedCrop.map { .init(frame: $0, views: views ?? 2, seed: randomness.seed) },
                isScaled: (decode ?? (randomResizedCrop == nil ? .whole : .scaled)) == .scaled,
                shuffleSeed: shuffle ? randomness.seed : nil, epochs: epochs ?? 1, batchSize: batch,
                threads: shared.threadCount, skipsDamaged: skipDamaged)
            let options = DatasetOptions(split: split, keepsEmptyClasses: allowEmpty, isStrict: strict)
            return try ImageSource(data, options, reading, positions)
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

/// How much of a JPEG is decoded.
enum Decoding: String, ExpressibleByArgument, CaseIterable {
    case whole
    case scaled
}

extension PreparedCrop.Frame: ExpressibleByArgument {}

runTool(Sample.self)
