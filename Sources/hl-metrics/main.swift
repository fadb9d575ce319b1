import ArgumentParser
import HLCommand
import HLCompute
import HLFormats
import HLStatistics
import HLTensor
import HLViews

/// hl-metrics: how good embeddings are, without labels.
struct Metrics: Tool {
    enum FeatureChoice: String, CaseIterable, ExpressibleByArgument { case raw, standard }

    static let configuration = describe(
        "hl-metrics", "Measure embeddings without labels: their rank and spread, and how far two sets are apart.",
        discussion: """
            Reads embeddings (e.V, from hl-encode). Of one stream: RankMe, LiDAR, α-ReQ, alignment and uniformity. \
            With --reference, such as photographs beside generated images: Fréchet and kernel distance, precision and \
            recall, density and coverage. What the input does not allow is left out, and said; metrics that --metrics \
            names are refused there.
            """)

    static let examples = [
        "hl-sample -n 5000 | hl-perturb --views 9 | hl-encode --encoder encoder.safetensors --view all | hl-metrics",
        "hl-metrics generated-e.hls --reference photos-e.hls --json | jq .metrics.frechet.value",
    ]

    @Argument(
        help: ArgumentHelp("Stream to read; - is standard input. (path)", valueName: "file"), completion: .file())
    var input = "-"

    @Option(
        help: ArgumentHelp(
            "Stream to compare it with, whose embeddings are those of the same encoder; - is standard input. (path)",
            valueName: "file"), completion: .file())
    var reference: String?

    @Option(
        help: ArgumentHelp(
            "Metrics to compute, of \(EmbeddingMetrics.names.joined(separator: ", ")). (list such as "
                + "rankme,uniformity; default: all that the input allows)", valueName: "list"),
        completion: .list(EmbeddingMetrics.names))
    var metrics: String?

    @Option(help: ArgumentHelp("View that metrics of one view take. (integer from 0 to 9999)", valueName: "n"))
    var view = 0

    @Option(
        help: ArgumentHelp(
            "Views of a sample that LiDAR and alignment take. (such as 0, 0-2 or 0,2; or all, the default)",
            valueName: "views"))
    var views: String?

    @Option(
        help: ArgumentHelp(
            "ε that RankMe and LiDAR add to each share. (number from 0 to 1; default: \(MetricOptions().epsilon))",
            valueName: "x"))
    var epsilon: Double?

    @Option(
        help: ArgumentHelp(
            "Ranks of the eigenvalues that α-ReQ fits, as far as there are so many. (range; default: 12-100)",
            valueName: "range"))
    var ranks: String?

    @Option(
        name: .customShort("k"),
        help: ArgumentHelp(
            "Neighbour that a neighbourhood reaches to. (integer from 1; default: 3 for precision and recall, 5 for "
                + "density and coverage)", valueName: "n"))
    var neighbours: Int?

    @Option(
        help: ArgumentHelp(
            "Subsets that the kernel distance draws. (integer from 1 to 100000; default: \(MetricOptions().subsets))",
            valueName: "n"))
    var subsets: Int?

    @Option(
        help: ArgumentHelp(
            "Samples in each; 0 takes all at once, without drawing. (integer, 0 or from 2; default: 1000, or all of "
                + "fewer)", valueName: "n"))
    var subsetSize: Int?

    @Option(
        help: ArgumentHelp(
            "Features between two streams: raw, or standard, divided by their standard deviation in --reference. (name)",
            valueName: "name"), completion: .list(FeatureChoice.allCases.map(\.rawValue)))
    var features = FeatureChoice.raw

    @OptionGroup var randomness: SeedOption

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @OptionGroup var computing: BackendOption
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "leave out metrics of all pairs with --metrics, or lower --threads"

    func validate() throws {
        try check(
            reference == nil || reference != "-" || input != "-", "standard input cannot be both streams",
            "name a file for one of them")
        try check((0...9999).contains(view), "there is no view \(view)", "give --view a number from 0 to 9999")
        try check(
            reference != nil || features == .raw, "features are divided by their deviation in --reference",
            "give --reference, or leave out --features \(features.rawValue)")
        _ = try chosenViews()
        _ = try chosenRanks()
        if let epsilon {
            try check(
                epsilon >= 0 && epsilon <= 1, "a share cannot be raised by \(epsilon)", "give --epsilon from 0 to 1")
        }
        if let neighbours { try check(neighbours >= 1, "there is no neighbour \(neighbours)", "give -k from 1") }
        if let subsets {
            try check(
                (1...100_000).contains(subsets), "cannot draw \(subsets) subsets", "give --subsets from 1 to 100000")
        }
        if let subsetSize {
            try check(
                subsetSize == 0 || subsetSize >= 2, "a subset of \(subsetSize) has no pairs",
                "give --subset-size from 2, or 0 for all samples")
        }
        try refuseUnused(chosenMetrics())
    }

    /// Options that are given and that none of the metrics listens to. The default seed decides nothing elsewhere.
    private func refuseUnused(_ chosen: [EmbeddingMetric]) throws {
        try check(
            view == 0 || chosen.contains { $0.needs != .views },
            "--view is for metrics of one view, which nobody asked for",
            "leave it out, or name one of them in --metrics")
        let given = [
            ("--views", views != nil), ("--epsilon", epsilon != nil), ("--ranks", ranks != nil),
            ("-k", neighbours != nil), ("--subsets", subsets != nil), ("--subset-size", subsetSize != nil),
            ("--seed", randomness.seed != 0),
        ]
        for (option, isGiven) in given where isGiven && !chosen.contains(where: { $0.options.contains(option) }) {
            let owners = EmbeddingMetrics.all.filter { $0.options.contains(option) }
            let isBetween = owners.allSatisfy(\.comparesSets) && reference == nil
            throw refuse(
                "\(option) is for \(owners.map(\.name).joined(separator: " and ")), which nobody asked for",
                "leave it out, or \(isBetween ? "give --reference too" : "name what it is for in --metrics")")
        }
    }

    func run() throws {
        try Recording.begin(recording, seed: randomness.seed)
        let algebra = try LinearAlgebra(threads: shared.threads), onDemand = computing.onDemand(shared)
        let chosen = try chosenMetrics(), views = try chosenViews()
        let needs = chosen.reduce(into: EmbeddingNeeds()) { $0.formUnion($1.needs) }
        var samples = try EmbeddingStream.read(
            path: input, role: "stream", view: view, views: views, needs: needs, algebra: algebra)
        var reference = try self.reference.map {
            let needs = chosen.filter(\.comparesSets).reduce(into: EmbeddingNeeds()) { $0.formUnion($1.needs) }
            return try EmbeddingStream.read(
                path: $0, role: "reference", view: view, views: nil,
                needs: features == .standard ? needs.union(.distribution) : needs, algebra: algebra)
        }
        if let reference { try samples.requireSameSpace(as: reference) }
        if features == .standard, let distribution = reference?.set.distribution, distribution.count > 1 {
            let deviations = FeatureDeviations(of: distribution)
            samples.divide(by: deviations)
            reference?.divide(by: deviations)
        }
        let options = try metricOptions()
        let subject = MetricSubject(
            dimension: samples.set.dimension, samples: samples.set.count, views: samples.views.count,
            referenceSamples: reference?.set.count, options: options)
        var plan = try MetricPlan(chosen, subject, isExplicit: metrics != nil)
        let progress = Progress(total: plan.pairs(of: subject), unit: "pairs")
        let inputs = MetricInputs(
            samples.set, reference: reference?.set, options: options, algebra: algebra,
            backend: try noted(onDemand()), progress: { progress.advance(by: $0) })
        let results = try plan.results(inputs)
        progress.finish()
        let report = MetricReport(
            samples: samples, reference: reference, areStandard: features == .standard, subject: subject,
            results: results, leftOut: plan.leftOut)
        Recording.tell(report.json.object ?? JSONObject())
        try Console.printOutput(json ? report.json.indentedText + "\n" : report.table)
    }

    private func noted(_ backend: any Backend) -> any Backend {
        Console.note(backend.summary)
        return backend
    }

    private func metricOptions() throws -> MetricOptions {
        var options = MetricOptions()
        options.epsilon = epsilon ?? options.epsilon
        options.ranks = try chosenRanks() ?? options.ranks
        options.neighbours = neighbours
        options.subsets = subsets ?? options.subsets
        options.subsetSize = subsetSize
        options.seed = randomness.seed
        return options
    }

    private func chosenMetrics() throws -> [EmbeddingMetric] {
        guard let metrics else {
            return EmbeddingMetrics.all.filter { $0.comparesSets ? reference != nil : features == .raw }
        }
        let names = metrics.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let chosen = try names.map { name in
            guard let metric = EmbeddingMetrics[name: name] else {
                throw refuse(
                    "there is no metric '\(name)'", "choose from \(EmbeddingMetrics.names.joined(separator: ", "))")
            }
            try check(
                reference != nil || !metric.comparesSets, "\(name) is between two streams",
                "give --reference, or leave it out")
            try check(
                features == .raw || metric.comparesSets, "\(name) is of the features as they are",
                "measure it without --features \(features.rawValue)")
            return metric
        }
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw refuse("\(twice) is named twice", "name each metric once")
        }
        return chosen
    }

    /// nil stands for all.
    private func chosenViews() throws -> [Int]? { try views.flatMap { try ChunkSet.views(parsing: $0) } }

    private func chosenRanks() throws -> ClosedRange<Int>? {
        try ranks.map { text in
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1, last > first, last <= 1 << 20
            else { throw refuse("there are no ranks '\(text)'", "write --ranks as 12-100, from 1") }
            return first...last
        }
    }
}

runTool(Metrics.self)
