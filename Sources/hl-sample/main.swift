import ArgumentParser
import HLCommand
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
            --start, --shard, --batch and --threads are.
            """)

    @Option(help: ArgumentHelp("Generator: shapes, built in, or bigbigan. (name; default: shapes)", valueName: "name"))
    var generator: String?

    @Option(help: ArgumentHelp("The generator's weights; not needed for latents alone. (path)", valueName: "file"))
    var weights: String?

    @Option(
        help: ArgumentHelp(
            "Side of the images in pixels. (integer from 16 to 512 for shapes; default: 64, bigbigan 128)",
            valueName: "n"))
    var size: Int?

    @Flag(help: "Render shapes without defects, in the part of real data.")
    var clean = false

    @Option(
        name: [.customShort("n"), .customLong("count")],
        help: ArgumentHelp("Samples in all shards together; without it, without end. (integer from 0)", valueName: "n"))
    var count: Int?

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
            "Latents from a file instead of drawn ones: a stream, .npy or .safetensors (tensor z.0 or z) of shape "
                + "[N, chunks, dimension] or [N, chunks x dimension]. (path)", valueName: "file"))
    var from: String?

    @Option(help: ArgumentHelp("Real images instead of latents. (imagefolder:DIR)", valueName: "kind:dir"))
    var data: String?

    @Option(help: ArgumentHelp("Split of the data set, a folder in DIR. (name)", valueName: "name"))
    var split: String?

    @Option(
        help: ArgumentHelp("Passes over the data set; 0 is without end. (integer from 0; default: 1)", valueName: "n"))
    var epochs: Int?

    @Flag(help: "Read the data set in random order, another one every epoch.")
    var shuffle = false

    @OptionGroup(title: "Distribution of the anchors") var normal: NormalOptions
    @OptionGroup(title: "Images") var images: RenderOptions
    @OptionGroup var randomness: SeedOption
    @OptionGroup var destination: OutputOption
    @OptionGroup(title: "Common options") var shared: SharedOptions

    func validate() throws {
        func refuse(_ what: String, _ remedy: String) -> Failure { Failure(.usage, what, remedy) }
        if let count, count < 0 { throw refuse("cannot draw \(count) samples", "give -n a number from 0") }
        guard start >= 0 else { throw refuse("there is no sample \(start)", "give --start a number from 0") }
        guard start.addingReportingOverflow(count ?? 0).overflow == false else {
            throw refuse("--start and -n lead beyond the last id", "give smaller numbers")
        }
        if let batch, !(1...1 << 20).contains(batch) {
            throw refuse("a record cannot have \(batch) samples", "give --batch from 1 to 1048576")
        }
        if let size, !(1...4096).contains(size) {
            throw refuse("images cannot have a side of \(size) pixels", "give --size from 1 to 4096")
        }
        if let epochs, epochs < 0 { throw refuse("cannot make \(epochs) epochs", "give --epochs a number from 0") }
        let distribution = normal.isGiven
        if data != nil {
            if generator != nil || weights != nil || clean || from != nil || distribution || images.render {
                throw refuse(
                    "--data takes no --generator, --weights, --clean, --from, --mean, --std, --trunc and --render",
                    "leave them out")
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
            return try ImageSource(self, data, positions)
        }
        if let from { return try GivenLatents.open(self, from, positions) }
        return try DrawnLatents(self, try specification(), normal.distribution, positions)
    }

    /// The generator as the options describe it.
    func specification() throws -> GeneratorSpecification {
        let plain = try GeneratorSpecification.named(
            generator ?? "shapes", resolution: size, weights: weights, clean: clean)
        guard let weights else { return plain }
        return GeneratorSpecification(
            name: plain.name, chunks: plain.chunks, dimension: plain.dimension, resolution: plain.resolution,
            weights: weights, weightsDigest: try SHA256.digest(ofFile: weights), isClean: plain.isClean)
    }
}

runTool(Sample.self)
