import ArgumentParser
import Glibc
import HLCommand
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// hl-perturb: makes positive views by moving chosen chunks of the anchors.
struct Perturb: Tool {
    static let configuration = describe(
        "hl-perturb", "Make positive views of a stream's anchors by moving chosen chunks of their latents.",
        discussion: """
            Without --chunks, --group and --walker all chunks but chunk 0 move, with noise from N^t(0, 1, 2). Chunks \
            are written 0, 1-5 or 0,2-4. A sample's views depend on the seed and its id alone.

            The chunks of stylegan2 are its layers: z is moved as a whole, mapped to w by the network, and w taken \
            for the chosen layers; the others keep the anchor's.
            """)

    static let examples = [
        "hl-sample -n 65536 | hl-perturb --chunks 1-5 --std 1 -o hl.hls",
        "hl-sample -n 65536 | hl-perturb --group 1:std=0..1 --group 2-5:std=0..1 --prob 0.5 -o sometimes.hls",
        "hl-sample -n 8 | hl-perturb --chunks 0-5 --sweep | hl-view -o chunks.png",
    ]

    @Argument(
        help: ArgumentHelp("Stream to read; - is standard input. (path)", valueName: "file"), completion: .file())
    var input = "-"

    @OptionGroup var destination: OutputOption
    @OptionGroup var randomness: SeedOption

    @Option(
        help: ArgumentHelp(
            "Chunks to move, or layers, as one group. (list such as 1-5; default: all but 0, or the walker's)",
            valueName: "list"))
    var chunks: String?

    @Option(
        name: .customLong("group"),
        help: ArgumentHelp(
            "A group of chunks with noise of its own, such as 0-3:std=0.3,trunc=1,mean=0, or 5:std=0.1..0.8,prob=0.5 with "
                + "its std drawn for each sample; may be given several times. (list:settings)", valueName: "group"))
    var groups: [String] = []

    @Option(
        name: .customLong("prob"),
        help: ArgumentHelp(
            "Probability with which a group moves, drawn for each sample, view and group. (number above 0, up to 1; "
                + "default: 1)", valueName: "p"))
    var probability: Double?

    @Option(help: ArgumentHelp("Views per anchor. (integer from 1 to 1000; default: 1)", valueName: "n"))
    var views: Int?

    @Flag(help: "One view per chunk, group or walker; noise is the same vector in all.")
    var sweep = false

    @Flag(
        help:
            "One view per chunk, group or walker, as they are given, each with noise of its own; they may share chunks."
    )
    var each = false

    @Flag(help: "Draw the chosen chunks anew from the distribution of the noise, instead of adding noise to them.")
    var redraw = false

    @Option(
        name: .customLong("walker"),
        help: ArgumentHelp(
            "A learned perturbation, of hl-train walker or a published one, and the chunks that it moves where its file "
                + "does not say; may be given several times. (path or path:list)", valueName: "file"),
        completion: .file())
    var walkers: [String] = []

    @OptionGroup(title: "Distribution of the noise") var normal: NormalOptions
    @OptionGroup(title: "Images") var images: RenderOptions
    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    func validate() throws {
        if chunks != nil && !groups.isEmpty {
            throw refuse("--chunks and --group are two ways to say the same", "give one of them")
        }
        if let views, !(1...1000).contains(views) {
            throw refuse("cannot make \(views) views", "give --views from 1 to 1000")
        }
        if !walkers.isEmpty {
            if groups.isEmpty && (normal.isGiven || views != nil || probability != nil) {
                throw refuse(
                    "walkers alone take no --mean, --std, --trunc, --prob and --views: they make one view, without noise",
                    "leave them out, or add noise on other chunks with --group")
            }
            if chunks != nil && walkers.count > 1 {
                throw refuse("--chunks does not say which of the walkers it is for", "write --walker FILE:CHUNKS")
            }
        }
        if sweep && each {
            throw refuse("--sweep and --each both make one view per chunk, group or walker", "give one of them")
        }
        if (sweep || each) && views != nil {
            throw refuse(
                "\(sweep ? "--sweep" : "--each") makes one view per chunk, group or walker", "leave out --views")
        }
        if redraw && groups.isEmpty && !walkers.isEmpty {
            throw refuse("walkers draw no chunks anew", "leave out --redraw, or give --group for other chunks")
        }
        if images.pixels != .u8 && !images.render {
            throw refuse("--pixels is for attached images", "give --render too, or leave it out")
        }
        // What can be wrong without the stream is said before one is waited for.
        _ = try chunks.map { try ChunkSet(parsing: $0) }
        _ = try NoiseVariation(probability: probability ?? 1)
        _ = try groups.map { try PerturbationGroup(parsing: $0, defaults: try normal.distribution()) }
        _ = try normal.distribution()
    }

    func run() throws {
        // Libraries and weights are loaded while the program before this one gets going.
        let backend = computing.onDemand(shared)
        let walkers = try loadWalkers(on: backend)
        let reader = try StreamInput.open(path: input)
        let renderer = images.render ? try Renderer(reader.header, on: try backend()) : nil
        try renderer?.requireGenerator()
        let request = PerturbationRequest(
            chunks: chunks, groups: groups, noise: try normal.distribution(), probability: probability ?? 1,
            seed: randomness.seed, views: views, spread: sweep ? .sweep : each ? .each : .together, redraw: redraw)
        let views = try makeViews(request, walkers, reader.header, renderer, on: backend, threads: shared.threadCount)
        let output = try StreamOutput(path: destination.output)
        try Recording.begin(recording, beside: destination.output, settings: views.json, seed: randomness.seed)
        try output.begin(reader.header) { header in
            var result = header.appending(seed: walkers.isEmpty || !groups.isEmpty ? randomness.seed : nil)
            result.metadata["hl.perturbation"] = views.json.text
            return result
        }
        Console.note("\(shared.threadCount) threads, \(views.json.text)")

        let progress = Progress(total: reader.expectedSamples)
        let source: any BatchSource = shared.threadCount > 1 ? ReadAhead(reader) : reader
        let batches = BatchRegrouper(source)
        func next() throws -> Batch? {
            guard let size = views.blockSize else { return try source.next() }
            return try batches.nextBatch(of: size)
        }
        while let batch = try next() {
            let widened = try adding(try views.tensors(for: batch), of: views.viewCount, to: batch, reader.name)
            try output.write(try renderer?.attachingImages(to: widened, pixels: images.pixels) ?? widened)
            progress.advance(by: batch.count)
        }
        try output.finish()
        progress.finish()
    }
}

extension Perturb {
    private func loadWalkers(on backend: BackendOnDemand) throws -> [ChosenWalker] {
        try walkers.map { text in
            let choice = WalkerChoice(parsing: text) { access($0, F_OK) == 0 }
            guard choice.chunks == nil || chunks == nil else {
                throw Failure(
                    .usage, "\(text) and --chunks \(chunks ?? "") both say which chunks move", "give one of them")
            }
            return (
                try Walker.load(path: choice.path, backend: backend()),
                try choice.chunks ?? chunks.map { try ChunkSet(parsing: $0) }
            )
        }
    }

    /// - Throws: `Failure(.incompatible)` where the batch has one of the views already.
    private func adding(_ added: NamedTensors, of views: Int, to batch: Batch, _ name: String) throws -> Batch {
        var tensors = batch.tensors
        if let view = Renderer.views(of: batch).first(where: { (1...views).contains($0) }) {
            throw Failure(
                .incompatible, "\(name) has view \(view) already", "give this program a stream of anchors")
        }
        for (name, tensor) in added { tensors[name] = tensor }
        return try batch.replacing(tensors)
    }
}

runTool(Perturb.self)
