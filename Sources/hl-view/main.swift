import ArgumentParser
import Glibc
import HLCommand
import HLFormats
import HLGenerators
import HLTensor

/// hl-view: a contact sheet of a stream, or what it holds as text.
struct View: Tool {
    static let configuration = describe(
        "hl-view", "Show a stream: a contact sheet as PNG, or its header, history and tensors as text.",
        discussion: """
            A row of the sheet is a sample: its anchor and its positives. Streams without positives fill a grid. \
            Images that the stream lacks are rendered from its latents.
            """)

    static let examples = [
        "hl-sample -n 8 | hl-perturb --chunks 1-5 --views 6 | hl-view -o views.png",
        "hl-sample -n 8 | hl-perturb --chunks 0-5 --sweep | hl-view -o sweep.png",
        "hl-view --info views.hls",
    ]

    @Argument(
        help: ArgumentHelp("Stream to read; - is standard input. (path)", valueName: "file"), completion: .file())
    var input = "-"

    @OptionGroup var destination: OutputOption

    @Flag(help: "Print the header with the history at once, then tensors and totals; the stream is read to its end.")
    var info = false

    @Flag(help: "Print the header with the history, and read no further.")
    var header = false

    @Flag(help: "The same as JSON: of --header where that is given, else of --info.")
    var json = false

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
        guard printsText else { return try Image.checkPNGName(destination.output) }
        let ofSheet: [(name: String, isGiven: Bool)] = [
            ("--rows", rows != nil), ("--columns", columns != nil), ("--skip", skip != nil), ("--zoom", zoom != nil),
            ("--no-captions", !captions),
        ]
        if let option = ofSheet.first(where: \.isGiven) {
            throw refuse("\(option.name) is for the sheet, and text is asked for", "leave it out")
        }
    }

    private var printsText: Bool { info || header || json }

    func run() throws {
        if printsText {
            try describe(try StreamInput.open(path: input))
        } else {
            if destination.output == "-" && isatty(STDOUT_FILENO) == 1 {
                throw Failure(.usage, "stdout is a terminal", "give -o FILE.png, or --info for text")
            }
            let reader = try StreamInput.open(path: input)
            let renderer = try Renderer(reader.header, on: computing.backend.make(threads: shared.threads))
            let layout = StreamSheet.Layout(
                rows: rows ?? 8, columns: columns ?? 8, skip: skip ?? 0, zoom: zoom, captions: captions)
            let sheet = try StreamSheet(layout, reader, renderer)
            try write(try sheet.rendered().pngBytes())
        }
    }

    /// What is known is printed at once: a stream need not have an end. A file or JSON is complete or nothing.
    private func describe(_ reader: StreamReader) throws {
        let heading = HeaderDescription(header: reader.header)
        let isLive = destination.output == "-" && !json
        if isLive { try Console.printOutput(heading.text) }
        if header {
            if json { return try output(JSONValue.object(heading.json).indentedText + "\n") }
            return isLive ? () : try output(heading.text)
        }
        let content = try StreamDescription(reading: reader)
        if json { return try output(content.json.indentedText + "\n") }
        try output((isLive ? "" : heading.text) + content.text)
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
