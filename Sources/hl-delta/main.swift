import ArgumentParser
import HLCommand
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
            0.05 %.
            """)

    @Argument(help: ArgumentHelp("Stream to read; - is standard input. (path)", valueName: "file"))
    var input = "-"

    @Option(help: ArgumentHelp("Chunks to report. (list such as 1-5; default: all)", valueName: "list"))
    var chunks: String?

    @Option(
        name: .customLong("group"),
        help: ArgumentHelp(
            "Chunks to report as one vector too, such as 0-3; may be given several times. (list)", valueName: "list"))
    var groups: [String] = []

    @Option(help: ArgumentHelp("The view to compare with the anchor. (integer from 1)", valueName: "n"))
    var view = 1

    @Flag(help: "Test Assumption 3.1 pair by pair, with 95 % intervals.")
    var pairs = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @OptionGroup(title: "Common options") var shared: SharedOptions

    func validate() throws {
        guard (1...9999).contains(view) else {
            throw Failure(.usage, "there is no positive view \(view)", "give --view a number from 1 to 9999")
        }
        _ = try ([chunks].compactMap { $0 } + groups).map { try ChunkSet(parsing: $0) }
    }

    func run() throws {
        let reader = try StreamInput.open(path: input)
        let source: any BatchSource = shared.threadCount > 1 ? ReadAhead(reader) : reader
        let progress = Progress()
        var statistics: DeltaStatistics?
        var space = "z"
        // The built-in generator knows the class of any latent, hence which positives have left their anchor's.
        let oracle =
            reader.header.generator == nil ? nil : try GeneratorSpecification(of: reader.header).makeOracle()
        var labelsKept = 0
        while let batch = try source.next() {
            if statistics == nil {
                space = batch.tensors["w.0"] != nil && batch.tensors["w.\(view)"] != nil ? "w" : "z"
            }
            let anchors = try batch.require("\(space).0", .f32, rank: 3)
            let positives = try batch.require("\(space).\(view)", .f32, rank: 3)
            let ids = try batch.require("id", .i64, rank: 1)
            if statistics == nil {
                guard anchors.shape[1] > 0 else {
                    throw Failure(.data, "the latents of \(reader.name) have no chunks", "make the stream again")
                }
                let count = anchors.shape[1]
                statistics = DeltaStatistics(
                    chunks: try chosen(of: count), groups: try groups.map { try ChunkSet(parsing: $0, count: count) })
            }
            try statistics?.add(anchors: anchors, positives: positives, ids: ids)
            if let oracle {
                let pairs = zip(oracle.labels(of: anchors).integers, oracle.labels(of: positives).integers)
                labelsKept += pairs.reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
            }
            progress.advance(by: batch.count)
        }
        progress.finish()
        guard let statistics else {
            throw Failure(.data, "\(reader.name) has no samples", "draw some with hl-sample")
        }
        let report = Report(
            statistics, space: space, view: view, labelsKept: oracle == nil ? nil : labelsKept)
        try Console.printOutput(json ? report.json.indentedText + "\n" : report.text(pairs: pairs))
    }

    private func chosen(of count: Int) throws -> ChunkSet {
        try chunks.map { try ChunkSet(parsing: $0, count: count) } ?? ChunkSet(all: count)
    }
}

runTool(Delta.self)
