import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// hl-filter: lets the best-looking samples of a stream through.
struct Filter: Tool {
    static let configuration = describe(
        "hl-filter", "Score the images of a stream with a discriminator and pass on the best; weigh pairs.",
        discussion: """
            Adds s.V, how real view V looks, from 0 to 1. Of every group of batch / keep samples the best batch go on, \
            in their order; of a last, shorter group its share. Images that are missing are rendered and passed on.

            With --quality it adds q.V, what the pair of the anchor and view V is worth to hl-train --pair-weights: \
            exp(sensitivity (alikeness of the foregrounds - alikeness of the backgrounds)), as GenView has it.
            """)

    static let examples = [
        "hl-sample | hl-filter --discriminator d.safetensors --keep 0.5 | hl-perturb --chunks 1-5 | hl-train",
        "hl-sample | hl-perturb | hl-filter --discriminator d.safetensors --by worse | hl-train",
        "hl-sample | hl-perturb | hl-filter --quality resnet50.pth --layer layer3 | hl-train --pair-weights",
    ]

    @Argument(help: "Stream to read; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(
        help: ArgumentHelp("Discriminator of hl-train discriminator. (path)", valueName: "file"), completion: .file())
    var discriminator: String?

    @Option(
        help: ArgumentHelp(
            "Encoder, of hl-train or others, whose features tell what pairs are worth. (path)", valueName: "file"),
        completion: .file())
    var quality: String?

    @Option(
        help: ArgumentHelp(
            "With --quality: layer whose positions are looked at. (such as layer3; default: the last)",
            valueName: "name"))
    var layer: String?

    @Option(
        help: ArgumentHelp(
            "With --quality: how much worth differs from pair to pair. (number from 0 to 40; default: 2)",
            valueName: "x"))
    var sensitivity: Double?

    @OptionGroup var destination: OutputOption

    @Option(
        help: ArgumentHelp("Share of the samples to pass on. (number above 0, up to 1; default: 0.5)", valueName: "x"))
    var keep: Double?

    @Option(help: ArgumentHelp("Samples that go on from each group. (integer from 1 to 65536)", valueName: "n"))
    var batch = 64

    @Option(
        help: ArgumentHelp(
            "What a sample is judged by: its anchor, its positive, or the worse of the two. "
                + "(anchor, positive or worse; default: anchor)", valueName: "view"))
    var by: JudgedBy?

    @Flag(help: "Score only, and pass everything on.")
    var score = false

    @Option(
        help: ArgumentHelp("Write the report as JSON too, with the histogram of scores. (path)", valueName: "file"),
        completion: .file())
    var report: String?

    @OptionGroup var computing: BackendOption
    @OptionGroup var activations: PrecisionOption
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch or --threads"

    func validate() throws {
        guard discriminator != nil || quality != nil else {
            throw Failure(
                .usage, "nothing is judged",
                "give --discriminator FILE to score images, or --quality FILE to weigh pairs")
        }
        if discriminator == nil, keep != nil || score || by != nil {
            throw Failure(
                .usage, "--keep, --by and --score are for a discriminator",
                "give --discriminator too, or leave them out")
        }
        if quality == nil, layer != nil || sensitivity != nil {
            throw Failure(.usage, "--layer and --sensitivity are for --quality", "give it too, or leave them out")
        }
        if let sensitivity, !(sensitivity >= 0 && sensitivity <= PairQuality.greatestSensitivity) {
            throw Failure(
                .usage, "a sensitivity of \(sensitivity.plainText) is out of range",
                "give --sensitivity from 0 to \(PairQuality.greatestSensitivity.plainText)")
        }
        guard !(score && keep != nil) else {
            throw Failure(.usage, "--score keeps every sample", "leave out --keep or --score")
        }
        guard report != "-" else {
            throw Failure(
                .usage, "the report cannot go to standard output, where the stream goes", "give --report a file name")
        }
        _ = try BestOfGroup(keep: keep ?? 0.5, batch: batch)
    }

    func run() throws {
        let backend = try computing.onDemand(shared)()
        let precision = try activations.resolved(on: backend)
        let judge = try discriminator.map { try load($0, on: backend) }
        let weighting = try quality.map { path in
            try PairWeighting(
                path: path, layer: layer, PairQuality(sensitivity: sensitivity ?? 2), precision: precision,
                threads: shared.threadCount, on: backend)
        }
        if let report { try OutputFile.check(path: report) }
        let reader = try StreamInput.open(path: input)
        let oracle = try defectOracle(reader.header)
        let renderer = try Renderer(reader.header, on: backend)
        try renderer.require(nil, in: reader.peek())
        if weighting != nil, let first = try reader.peek() { try PairWeighting.require(Renderer.views(of: first)) }
        let output = try StreamOutput(path: destination.output)
        let notes = try judge.map { try description(of: $0, precision) }
        var settings = notes?.object ?? JSONObject()
        settings["quality"] = weighting?.description
        try Recording.begin(recording, beside: destination.output, settings: .object(settings))
        try output.begin(reader.header) { header in
            var result = header.appending()
            if let notes { result.metadata["hl.filter"] = notes.text }
            if let weighting { result.metadata["hl.weights"] = weighting.description.text }
            return result
        }
        let group = try BestOfGroup(keep: keep ?? 0.5, batch: batch), by = self.by ?? .anchor
        let areCrops = try PreparedCrop(reader.header) != nil
        let keepsAll = score || judge == nil
        let batches = BatchRegrouper(ReadAhead(reader)), progress = Progress(total: reader.expectedSamples)
        var report = FilterReport(), pairs = PairReport()
        while let batch = try batches.nextBatch(of: keepsAll ? self.batch : group.groupSize) {
            var kept = batch
            if let judge {
                let scored = try judged(batch, renderer, judge.model, precision, backend)
                let scores = try by.scores(of: scored)
                let chosen = score ? Array(scores.indices) : group.chosen(scores)
                report.add(scores, kept: chosen, defects: oracle.flatMap { by.defects(of: scored, $0) })
                kept = chosen.count == batch.count ? scored : scored.gather(chosen)
            }
            if kept.count > 0, let weighting {
                kept = try weighting.weighing(kept, renderer, areCrops: areCrops)
                pairs.add(kept)
            }
            if kept.count > 0 { try output.write(kept) }
            progress.advance(by: batch.count)
        }
        let samples = output.samplesWritten
        try output.finish()
        progress.finish()
        var results = judge == nil ? JSONObject() : report.json.object ?? JSONObject()
        if weighting != nil { results["weights"] = pairs.json }
        Recording.tell(results)
        if let path = self.report {
            try OutputFile.write(Array((JSONValue.object(results).indentedText + "\n").utf8), to: path)
        }
        guard report.seen > 0 || samples > 0 else { return warn("the stream has no samples") }
        if judge != nil { Console.inform(report.text) }
        if weighting != nil && samples > 0 { Console.inform(pairs.text) }
    }

    private func load(_ path: String, on backend: any Backend) throws -> DiscriminatorCheckpoint.Loaded {
        let judge = try DiscriminatorCheckpoint.load(path: path, on: backend)
        if judge.auc < 0.53 {
            warn("\(path) tells real from generated hardly better than chance (AUC \(rounded(judge.auc)))")
        }
        return judge
    }

    private func defectOracle(_ header: StreamHeader) throws -> (any DefectOracle)? {
        try GeneratorSpecification.ifKnown(by: header)?.makeOracle() as? any DefectOracle
    }

    /// A batch with the images of all its views, and how real each looks.
    private func judged(
        _ batch: Batch, _ renderer: Renderer, _ model: Discriminator, _ precision: Precision, _ backend: any Backend
    ) throws -> Batch {
        let views = Renderer.views(of: batch)
        var tensors = batch.tensors
        for (view, images) in zip(views, try renderer.separateImages(of: views, in: batch, on: backend)) {
            tensors["s.\(view)"] = try model.scores(of: images, precision: precision, on: backend)
            if tensors["x.\(view)"] == nil { tensors["x.\(view)"] = try backend.read(images) }
        }
        return try batch.replacing(tensors)
    }

    /// For the header, `hl.filter`: what the samples were judged by.
    private func description(of judge: DiscriminatorCheckpoint.Loaded, _ precision: Precision) throws -> JSONValue {
        let path = discriminator ?? ""
        var object: JSONObject = [
            "discriminator": .string(path), "sha256": .string(try SHA256.digest(ofFile: path)),
            "auc": .number(judge.auc), "keep": .number(score ? 1 : keep ?? 0.5),
            "by": .string((by ?? .anchor).rawValue),
        ]
        if precision != .f32 { object["precision"] = .string(precision.rawValue) }
        return .object(object)
    }
}

runTool(Filter.self)
