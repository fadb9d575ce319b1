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
        "hl-filter", "Score the images of a stream with a discriminator and pass on the best.",
        discussion: """
            Adds s.V, how real view V looks, from 0 to 1. Of every group of batch / keep samples the best batch go on, \
            in their order; of a last, shorter group its share. Images that are missing are rendered and passed on.
            """)

    static let examples = [
        "hl-sample | hl-filter --discriminator d.safetensors --keep 0.5 | hl-perturb --chunks 1-5 | hl-train",
        "hl-sample | hl-perturb | hl-filter --discriminator d.safetensors --by worse | hl-train",
    ]

    @Argument(help: "Stream to read; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(
        help: ArgumentHelp("Discriminator of hl-train discriminator. (path)", valueName: "file"), completion: .file())
    var discriminator: String

    @OptionGroup var destination: OutputOption

    @Option(
        help: ArgumentHelp("Share of the samples to pass on. (number above 0, up to 1; default: 0.5)", valueName: "x"))
    var keep: Double?

    @Option(help: ArgumentHelp("Samples that go on from each group. (integer from 1 to 65536)", valueName: "n"))
    var batch = 64

    @Option(
        help: ArgumentHelp(
            "What a sample is judged by: its anchor, its positive, or the worse of the two. "
                + "(anchor, positive or worse)", valueName: "view"))
    var by = JudgedBy.anchor

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
        let judge = try DiscriminatorCheckpoint.load(path: discriminator, on: backend)
        if judge.auc < 0.53 {
            warn("\(discriminator) tells real from generated hardly better than chance (AUC \(rounded(judge.auc)))")
        }
        if let report { try OutputFile.check(path: report) }
        let reader = try StreamInput.open(path: input)
        let oracle = try defectOracle(reader.header)
        let renderer = try Renderer(reader.header, on: backend)
        try renderer.require(nil, in: reader.peek())
        let output = try StreamOutput(path: destination.output)
        let description = try description(of: judge, precision)
        try Recording.begin(recording, beside: destination.output, settings: description)
        try output.begin(reader.header) { header in
            var result = header.appending()
            result.metadata["hl.filter"] = description.text
            return result
        }
        let group = try BestOfGroup(keep: keep ?? 0.5, batch: batch)
        let batches = BatchRegrouper(ReadAhead(reader)), progress = Progress(total: reader.expectedSamples)
        var report = FilterReport()
        while let batch = try batches.nextBatch(of: score ? self.batch : group.groupSize) {
            let scored = try judged(batch, renderer, judge.model, precision, backend)
            let scores = try by.scores(of: scored)
            let kept = score ? Array(scores.indices) : group.chosen(scores)
            report.add(scores, kept: kept, defects: oracle.flatMap { by.defects(of: scored, $0) })
            if !kept.isEmpty { try output.write(kept.count == batch.count ? scored : scored.gather(kept)) }
            progress.advance(by: batch.count)
        }
        try output.finish()
        progress.finish()
        Recording.tell(report.json.object ?? JSONObject())
        if let path = self.report { try OutputFile.write(Array((report.json.indentedText + "\n").utf8), to: path) }
        if report.seen == 0 { warn("the stream has no samples") } else { Console.inform(report.text) }
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
        var object: JSONObject = [
            "discriminator": .string(discriminator), "sha256": .string(try SHA256.digest(ofFile: discriminator)),
            "auc": .number(judge.auc), "keep": .number(score ? 1 : keep ?? 0.5), "by": .string(by.rawValue),
        ]
        if precision != .f32 { object["precision"] = .string(precision.rawValue) }
        return .object(object)
    }
}

/// Which of a sample's scores counts.
enum JudgedBy: String, CaseIterable, ExpressibleByArgument {
    case anchor, positive, worse

    private var views: [Int] {
        switch self {
        case .anchor: [0]
        case .positive: [1]
        case .worse: [0, 1]
        }
    }

    /// - Throws: `Failure(.data)` for samples without the view that counts.
    func scores(of batch: Batch) throws -> [Float] {
        let scores = try views.map { view in
            guard batch.tensors["s.\(view)"] != nil else {
                throw Failure(
                    .data, "the stream's samples have no \(view == 0 ? "anchor" : "positive")",
                    view == 0
                        ? "judge them --by positive" : "judge them --by anchor, or put hl-perturb before hl-filter")
            }
            return try batch.require("s.\(view)", .f32, rank: 1).floats
        }
        return (0..<batch.count).map { row in scores.reduce(.infinity) { min($0, $1[row]) } }
    }

    /// Whether a view that counts is defective; nil for images without latents, of which no oracle knows.
    func defects(of batch: Batch, _ oracle: any DefectOracle) -> [Bool]? {
        var defects = [Bool](repeating: false, count: batch.count)
        for view in views {
            guard let z = batch.tensors["z.\(view)"], let found = oracle.defects(of: z) else { return nil }
            defects = zip(defects, found).map { $0 || $1 }
        }
        return defects
    }
}

runTool(Filter.self)
