import ArgumentParser
import HLCommand
import HLFormats
import HLTensor

/// hl-select: tensors and samples of streams, as cut, head, sort and cat have columns and lines.
struct Select: Tool {
    static let configuration = describe(
        "hl-select", "Keep, drop and rename tensors of streams, take samples, sort and join them.",
        discussion: """
            Several streams are joined one behind the other; they must be of one generator or data set and have the same \
            tensors. Every sample keeps its id and the history of its stream. Samples are counted over all streams, after \
            --ids and --part.
            """)

    static let examples = [
        "hl-select --drop 'x.*' -n 1000 views.hls -o first.hls",
        "hl-select seed1.hls seed2.hls -o both.hls",
        "hl-select --part 1-4/5 labelled.hls -o train.hls",
    ]

    @Argument(help: "Streams to read, one behind the other; - is standard input. (path)", completion: .file())
    var inputs: [String] = ["-"]

    @OptionGroup var destination: OutputOption

    @Option(
        help: ArgumentHelp(
            "Tensors that go on, with the ids; * stands for anything. (names joined by commas; default: all)",
            valueName: "names"))
    var keep: String?

    @Option(
        help: ArgumentHelp("Tensors that do not, but for ids. (names joined by commas)", valueName: "names"))
    var drop: String?

    @Option(help: ArgumentHelp("New names. (such as x.2=x.1, or several joined by commas)", valueName: "old=new"))
    var rename: String?

    @Option(help: ArgumentHelp("Samples with these ids. (such as 0-999,5000)", valueName: "ranges"))
    var ids: String?

    @Option(
        help: ArgumentHelp(
            "Samples of some of n equal parts, by the remainder of their ids. (such as 1/5, or 1-4/5)",
            valueName: "i/n"))
    var part: String?

    @Option(help: ArgumentHelp("Samples to leave out at the beginning. (integer from 0)", valueName: "n"))
    var skip = 0

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "Samples to pass on; what comes behind is not read. (integer from 0; default: all)", valueName: "n"))
    var samples: Int?

    @Flag(help: "Sort the samples of each stream by their ids; takes memory for two copies of one stream.")
    var sort = false

    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "leave out --sort, or drop tensors first"

    func validate() throws {
        _ = try tensors()
        _ = try chosenSamples()
        if inputs.filter({ $0 == "-" }).count > 1 {
            throw Failure(.usage, "standard input can be read once", "give - once")
        }
    }

    private func tensors() throws -> TensorSelection { try TensorSelection(keep: keep, drop: drop, rename: rename) }

    private func chosenSamples() throws -> SampleSelection {
        guard skip >= 0 else { throw Failure(.usage, "cannot leave out \(skip) samples", "give --skip from 0") }
        if let samples, samples < 0 {
            throw Failure(.usage, "cannot pass on \(samples) samples", "give -n from 0")
        }
        if let samples, skip.addingReportingOverflow(samples).overflow {
            throw Failure(.usage, "--skip and -n are beyond counting", "give smaller numbers")
        }
        return SampleSelection(
            ids: try ids.map(Self.ranges), part: try part.map(IdPart.init(parsing:)), skip: skip, count: samples)
    }

    private static func ranges(_ text: String) throws -> [ClosedRange<Int64>] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last else {
                throw Failure(.usage, "'\(part)' is no range of ids", "give --ids such as 0-999,5000")
            }
            return first...last
        }
    }

    func run() throws {
        let names = try tensors()
        var chosen = try chosenSamples()
        let input = try JoinedReader(paths: inputs)
        let output = try StreamOutput(path: destination.output)
        try Recording.begin(recording, beside: destination.output)
        try output.begin(input.header) { $0.appending() }
        let source: any BatchSource = sort ? SortedSource(input) : input
        // Of samples that are chosen nobody knows how many there are.
        let announced = input.samplesInFiles ?? (inputs.count == 1 ? input.header.announcedSamples : nil)
        let progress = Progress(
            total: samplesLeft(of: ids == nil && part == nil ? announced : nil, skip: skip, wanted: samples))
        while !chosen.isDone, let batch = try source.next() {
            guard let some = try chosen.chosen(of: batch) else { continue }
            try output.write(try some.replacing(names.applied(to: some.tensors)))
            progress.advance(by: some.count)
        }
        if output.samplesWritten == 0 && samples != 0 { warn("no sample was chosen") }
        try output.finish()
        progress.finish()
    }
}

runTool(Select.self)
