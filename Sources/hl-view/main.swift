import ArgumentParser
import Glibc
import HLCommand
import HLFormats
import HLGenerators
import HLRecords
import HLTensor

/// hl-view: a contact sheet of a stream, or what it holds as text.
struct View: Tool {
    static let configuration = describe(
        "hl-view", "Show a stream, a file of weights, or runs: as contact sheet or curves in PNG, or as text.",
        discussion: """
            A row of the sheet is a sample: its anchor and its positives. Streams without positives fill a grid. \
            Images that the stream lacks are rendered from its latents. On a terminal the sheet is shown at once, as \
            the terminal can.

            With --runs it lists the records that programs keep beside their outputs, hl-run(5), and with -o FILE.png \
            draws their curves.
            """)

    static let examples = [
        "hl-sample -n 8 | hl-perturb --chunks 1-5 --views 6 | hl-view -o views.png",
        "hl-sample -n 8 | hl-perturb --chunks 0-5 --sweep | hl-view -o sweep.png",
        "hl-view --info encoder.safetensors",
        "hl-view --runs experiments --sort loss",
        "hl-view --runs a.safetensors b.safetensors -o losses.png",
    ]

    @Argument(
        help: ArgumentHelp(
            "Stream to read, by default standard input, -; for text also a file of weights; with --runs any number of "
                + "folders, records or outputs, by default the folder here. (paths)", valueName: "file"),
        completion: .file())
    var inputs: [String] = []

    @OptionGroup var destination: OutputOption

    @Flag(help: "Print the header with the history at once, then tensors and totals; the stream is read to its end.")
    var info = false

    @Flag(help: "Print the header with the history, and read no further.")
    var header = false

    @Flag(help: "The same as JSON: of --header or --runs where they are given, else of --info.")
    var json = false

    @Flag(
        help: "List the records of runs, also of those that go on and those that were cut; with -o FILE.png draw them.")
    var runs = false

    @Option(
        help: ArgumentHelp(
            "Order of the runs: by name, program, status, started, ended, samples, seconds, cpu_seconds, joules, watts, "
                + "grams, threads, seed, host, or a value or setting of theirs. (name; default: started)",
            valueName: "name"))
    var sort: String?

    @Flag(help: "Turn that order round.")
    var reverse = false

    @Option(
        help: ArgumentHelp(
            "Values of runs to list, each in a column, or to draw, each in a panel. (names such as loss,spread; default: "
                + "the first three, or to draw the loss)", valueName: "names"))
    var values: String?

    @Option(
        help: ArgumentHelp(
            "What values are drawn over: samples or seconds of each run; or a number that runs differ in, such as batch, "
                + "with a line for each folder. (name; default: samples)", valueName: "name"))
    var against: String?

    @Flag(help: "Take records in one folder for the programs of one pipeline, and for one run.")
    var pipelines = false

    @Option(help: ArgumentHelp("Rows of the sheet. (integer from 1 to 1000; default: 8)", valueName: "n"))
    var rows: Int?

    @Option(
        help: ArgumentHelp(
            "Columns of the grid of a stream without positives. (integer from 1 to 1000; default: 8)", valueName: "n"))
    var columns: Int?

    @Option(help: ArgumentHelp("Samples to leave out before the first. (integer from 0; default: 0)", valueName: "n"))
    var skip: Int?

    @Option(
        help: ArgumentHelp(
            "Enlarge each pixel so many times. (integer from 1 to 256; default: to at least 96 pixels)",
            valueName: "n"))
    var zoom: Int?

    @Flag(inversion: .prefixedNo, help: "Write ids, labels and views beside the images.")
    var captions = true

    @Option(
        help: ArgumentHelp(
            "Show the picture on the terminal: by the graphics of kitty, iTerm2 or sixels, or in half blocks, which all "
                + "have; also through a pipe. (auto, kitty, iterm, sixel or blocks; default: auto, where standard output "
                + "is a terminal)", valueName: "way"))
    var terminal: TerminalChoice?

    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --rows or --threads"

    func validate() throws {
        if let rows, !(1...1000).contains(rows) {
            throw refuse("cannot show \(rows) rows", "give --rows from 1 to 1000")
        }
        if let columns, !(1...1000).contains(columns) {
            throw refuse("cannot show \(columns) columns", "give --columns from 1 to 1000")
        }
        if let skip, skip < 0 { throw refuse("cannot leave out \(skip) samples", "give --skip a number from 0") }
        if let zoom, !(1...256).contains(zoom) { throw refuse("cannot zoom by \(zoom)", "give --zoom from 1 to 256") }
        if header && info { throw refuse("--header is a part of what --info prints", "give one of them") }
        try validateRuns()
        try check(
            terminal == nil || destination.output == "-", "--terminal shows a picture, and -o writes one",
            "give one of them")
        try check(
            terminal == nil || !printsText || drawsRuns, "--terminal is for pictures, and text is asked for",
            "leave it out")
        guard printsText else { return try Image.checkPNGName(destination.output) }
        let ofSheet: [(name: String, isGiven: Bool)] = [
            ("--rows", rows != nil), ("--columns", columns != nil), ("--skip", skip != nil), ("--zoom", zoom != nil),
            ("--no-captions", !captions),
        ]
        if let option = ofSheet.first(where: \.isGiven) {
            throw refuse("\(option.name) is for the sheet, and text is asked for", "leave it out")
        }
    }

    private func validateRuns() throws {
        let ofRuns: [(name: String, isGiven: Bool)] = [
            ("--sort", sort != nil), ("--reverse", reverse), ("--values", values != nil), ("--against", against != nil),
            ("--pipelines", pipelines),
        ]
        if let option = ofRuns.first(where: \.isGiven), !runs {
            throw refuse("\(option.name) is for runs", "give --runs too, or leave it out")
        }
        try check(runs || inputs.count < 2, "\(inputs.count) streams cannot be shown at once", "name one of them")
        guard runs else { return }
        try check(!info && !header, "--runs lists runs, and streams have no place there", "give one of the options")
        try check(
            against == nil || drawsRuns, "--against is for a figure of runs", "give -o FILE.png too, or leave it out")
        try check(
            !inputs.contains("-"), "records of runs are not read from standard input", "name folders or files")
        try check(
            !drawsRuns || destination.output == "-" || !destination.isFile
                || destination.output.lowercased().hasSuffix(".png"),
            "runs are drawn as PNG, and \(destination.output) is not named so",
            "name it FILE.png, or for text leave out -o and redirect")
    }

    private var drawsRuns: Bool { runs && !json && (destination.output != "-" || terminal != nil) }
    private var printsText: Bool { info || header || json || runs }
    private var input: String { inputs.first ?? "-" }

    func run() throws {
        if runs {
            try showRuns()
        } else if printsText && ModelDescription.describes(input) {
            try describe(try ModelDescription(path: input))
        } else if printsText {
            try describe(try StreamInput.open(path: input))
        } else {
            let graphics = try graphics()
            let reader = try StreamInput.open(path: input)
            let renderer = try Renderer(reader.header, on: computing.backend.make(threads: shared.threads))
            let layout = StreamSheet.Layout(
                rows: rows ?? 8, columns: columns ?? 8, skip: skip ?? 0, zoom: zoom ?? (graphics == .blocks ? 1 : nil),
                captions: captions && graphics != .blocks)
            let sheet = try StreamSheet(layout, reader, renderer)
            try show(try sheet.rendered(), graphics)
        }
    }

    /// How the picture goes to a terminal; nil where it is written as PNG. Letters are too fine for half blocks.
    private func graphics() throws -> TerminalGraphics? {
        if let terminal { return terminal.resolved() }
        guard destination.output == "-", isatty(STDOUT_FILENO) == 1 else { return nil }
        guard TerminalQuery.showsPictures else {
            throw Failure(.usage, "stdout is a terminal without pictures", "give -o FILE.png, or --info for text")
        }
        return TerminalQuery.graphics()
    }

    private func show(_ image: Image, _ graphics: TerminalGraphics?) throws {
        try write(try graphics?.bytes(of: image, in: TerminalQuery.room()) ?? image.pngBytes())
    }

    /// What is known is printed at once: a stream need not have an end. A file or JSON is complete or nothing.
    private func describe(_ reader: StreamReader) throws {
        let heading = HeaderDescription(header: reader.header)
        let isLive = destination.output == "-" && !json
        if isLive { try Console.printOutput(heading.text) }
        if header {
            if json { return try output(JSONValue.object(reader.header.json).indentedText + "\n") }
            return isLive ? () : try output(heading.text)
        }
        let content = try StreamDescription(reading: reader)
        if json { return try output(content.json.indentedText + "\n") }
        try output((isLive ? "" : heading.text) + content.text)
    }

    private func describe(_ model: ModelDescription) throws {
        if json { return try output(model.json(isComplete: !header).indentedText + "\n") }
        try output(model.heading + (header ? "" : model.text))
    }

    private func showRuns() throws {
        let paths = inputs.isEmpty ? ["."] : inputs
        var records = try RunRecords(paths, withCurves: drawsRuns, threads: shared.threadCount)
        for problem in records.problems.prefix(3) { warn("\(problem), and is left out") }
        if records.problems.count > 3 { warn("\(records.problems.count - 3) more are left out") }
        if records.entries.isEmpty {
            throw Failure(
                .data, "there is no record of a run in \(paths.joined(separator: " and "))",
                "name folders that programs have written into with -o FILE")
        }
        if pipelines { records = records.pipelines }
        records = records.sorted(by: sort ?? "started", isReversed: reverse)
        let names = values?.split(separator: ",").map(String.init)
        if drawsRuns {
            let figure = try RunFigure(records, values: names, against: against ?? "samples")
            return try show(try figure.rendered(), terminal?.resolved())
        }
        let list = RunList(runs: records, values: names)
        try output(json ? list.json.indentedText + "\n" : list.table)
    }

    private func output(_ text: String) throws {
        if destination.output == "-" { return try Console.printOutput(text) }
        try write(Array(printable(text).utf8))
    }

    private func write(_ bytes: [UInt8]) throws {
        if destination.output != "-" { return try OutputFile.write(bytes, to: destination.output) }
        try bytes.withUnsafeBytes { try FileDescriptorSink(descriptor: STDOUT_FILENO, name: "stdout").write($0) }
    }
}

runTool(View.self)
