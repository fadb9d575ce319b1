import ArgumentParser
import HLCommand
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// hl-delta: how far each chunk moves between two views of a stream.
struct Delta: Tool {
    static let configuration = describe(
        "hl-delta", "Estimate how far each chunk of the latents moves from the anchor to its positive (δ).",
        discussion: """
            δ of a chunk is the Euclidean distance between the chunk in the anchor and in the positive. Mapped \
            latents w, whose chunks are layers, are taken where the stream has them, else z. Quantiles are within \
            0.05 %. For the generator shapes the distance to the class boundary is reported too.

            With --classifier the report is of content: which share of each view keeps its anchor's class, as a \
            classifier of images tells it, beside the share that would by chance.
            """)

    static let examples = [
        "hl-sample -n 1000000 | hl-perturb --chunks 1-5 | hl-delta --figure delta.png",
        "hl-delta --json views.hls > delta.json",
        "hl-sample --weights g.safetensors -n 10000 | hl-perturb --redraw --each --group 0 --group 1-3 | "
            + "hl-delta --classifier c.safetensors",
    ]

    @Argument(
        help: ArgumentHelp("Stream to read; - is standard input. (path)", valueName: "file"), completion: .file())
    var input = "-"

    @Option(help: ArgumentHelp("Chunks to report. (list such as 1-5; default: all)", valueName: "list"))
    var chunks: String?

    @Option(
        name: .customLong("group"),
        help: ArgumentHelp(
            "Chunks to report as one vector too, such as 0-3; may be given several times. (list)", valueName: "list"))
    var groups: [String] = []

    @Option(
        help: ArgumentHelp("The view to compare with the anchor. (integer from 1; default: 1)", valueName: "n"))
    var view: Int?

    @Flag(help: "Test Assumption 3.1 pair by pair, with 95 % intervals.")
    var pairs = false

    @Flag(help: "Print mean ± std of each chunk as one row of a table.")
    var table = false

    @Flag(help: "With --table: leave the line with the names of the columns out.")
    var noHeading = false

    @Flag(help: "Print options for hl-perturb: noise with the same mean δ.")
    var suggest = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Draw the histograms of δ, or what --classifier reports, as PNG too. (path)", valueName: "file"),
        completion: .file())
    var figure: String?

    @Option(
        help: ArgumentHelp(
            "Report of every view how often it keeps its anchor's class, as this file tells it: of hl-probe -o, of "
                + "hl-train --method supervised, or of others with their classifier. (path)", valueName: "file"),
        completion: .file())
    var classifier: String?

    @Option(
        help: ArgumentHelp(
            "With --classifier: images with labels, on which its error is measured. (path)", valueName: "file"),
        completion: .file())
    var test: String?

    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --threads"

    func validate() throws {
        if let view, !(1...9999).contains(view) {
            throw refuse("there is no positive view \(view)", "give --view a number from 1 to 9999")
        }
        try validateClassifier()
        let forms = [(table, "--table"), (suggest, "--suggest"), (json, "--json"), (pairs, "--pairs")].filter(\.0)
        // JSON has the pairs always.
        if forms.count > 1 && forms.map(\.1) != ["--json", "--pairs"] {
            throw refuse("\(forms[0].1) and \(forms[1].1) print different things", "give one of them")
        }
        if figure == "-" {
            throw refuse("the figure cannot go to standard output, where the report goes", "give --figure a file name")
        }
        if let figure { try Image.checkPNGName(figure) }
        if noHeading && !table { throw refuse("--no-heading is for --table", "give --table too, or leave it out") }
        _ = try chunks.map { try ChunkSet(parsing: $0) }
        let sets = try groups.map { try ChunkSet(parsing: $0) }
        if suggest {
            // Groups that overlap cannot be given to hl-perturb.
            try PerturbationGroup.validate(
                sets.isEmpty
                    ? [PerturbationGroup(chunks: ChunkSet(0), noise: .standard)]
                    : sets.map { PerturbationGroup(chunks: $0, noise: .standard) }, count: .max)
        }
    }

    private func validateClassifier() throws {
        guard classifier != nil else {
            if test != nil { throw refuse("--test is for a classifier", "give --classifier too, or leave it out") }
            return
        }
        let others = [
            (table, "--table"), (suggest, "--suggest"), (pairs, "--pairs"), (chunks != nil, "--chunks"),
            (!groups.isEmpty, "--group"), (view != nil, "--view"),
        ]
        if let other = others.first(where: \.0) {
            throw refuse("--classifier reports all views, and \(other.1) is for δ alone", "leave one of them out")
        }
        try check(input != "-" || test != "-", "standard input cannot be both streams", "name a file for one of them")
    }

    func run() throws {
        if let figure { try OutputFile.check(path: figure) }
        if let classifier { return try reportContent(by: classifier) }
        let reader = try StreamInput.open(path: input)
        try Recording.begin(recording, beside: figure)
        let source: any BatchSource = shared.threadCount > 1 ? ReadAhead(reader) : reader
        let progress = Progress(total: reader.expectedSamples)
        let request = Measurement.Request(
            view: view ?? 1, chunks: chunks, groups: groups, wantsSuggestion: suggest,
            backend: computing.onDemand(shared))
        func start(_ first: Batch) throws -> Measurement {
            let made = try Measurement(request, reader.header, first, name: reader.name)
            if figure != nil { try DeltaFigure.check(made) }
            return made
        }
        var measurement: Measurement?, headers = [reader.header], last = 0
        while let batch = try source.next() {
            for (segment, _) in batch.parts where segment.number != last {
                headers.append(segment.header)
                last = segment.number
            }
            var current = try measurement ?? start(batch)
            measurement = nil  // The only copy is the one that grows.
            try current.add(batch)
            measurement = current
            progress.advance(by: batch.count)
        }
        progress.finish()
        guard let measurement, measurement.statistics.count > 0 else {
            throw Failure(.data, "\(reader.name) has no samples", "draw some with hl-sample")
        }
        if let figure { try DeltaFigure(measurement).rendered().writePNG(to: figure) }
        try Console.printOutput(try text(measurement, headers))
    }

    /// Samples whose views are rendered at a time.
    private static let block = 64

    private func reportContent(by path: String) throws {
        let classifier = try ClassifierFile.read(path: path, on: try computing.onDemand(shared)())
        let reader = try StreamInput.open(path: input)
        try Recording.begin(recording, beside: figure)
        let batches = BatchRegrouper(ReadAhead(reader)), progress = Progress(total: reader.expectedSamples)
        var measurement: ContentMeasurement?
        while let batch = try batches.nextBatch(of: Self.block) {
            var current =
                try measurement ?? ContentMeasurement(reader.header, batch, classifier: classifier, name: reader.name)
            measurement = nil  // The only copy is the one that grows.
            try current.add(batch)
            measurement = current
            progress.advance(by: batch.count)
        }
        progress.finish()
        guard let measurement else {
            throw Failure(.data, "\(reader.name) has no samples", "draw some with hl-sample")
        }
        let report = ContentReport(
            measurement, classifier: path, test: try test.map { try ClassifierTest(classifier, path: $0) })
        if let figure { try ContentFigure(report).rendered().writePNG(to: figure) }
        try Console.printOutput(json ? report.json.indentedText + "\n" : report.text)
    }

    private func text(_ measurement: Measurement, _ headers: [StreamHeader]) throws -> String {
        if table { return TableRow(measurement, headers).text(withHeading: !noHeading) }
        if suggest {
            let suggestion = try measurement.suggestion()
            suggestion.warnings.forEach(Console.warn)
            return suggestion.options + "\n"
        }
        let report = Report(measurement)
        return json ? report.json.indentedText + "\n" : report.text(pairs: pairs)
    }
}

runTool(Delta.self)
