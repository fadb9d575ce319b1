import ArgumentParser
import HLCommand
import HLCompute
import HLData
import HLEncoders
import HLFormats
import HLTensor

/// hl-probe: what a linear classifier and k nearest neighbours get out of embeddings.
struct Probe: Tool {
    static let configuration = describe(
        "hl-probe", "Probe embeddings with a linear classifier and k nearest neighbours.",
        discussion: """
            Both sets need labels (y) and embeddings (e.0, from hl-encode), or images with --encoder or --untrained. A \
            recipe says how the classifier is made: by the paper's gradient descent, which trains on a fresh random crop \
            and flip of every image in every epoch where the images are embedded here, or by logistic regression whose \
            penalty a validation set chooses (--recipe lbfgs). Reports percent, by the measure that the field uses for \
            the test set, and every setting.

            \(recipes)
            """)

    private static var recipes: String {
        "Recipes:\n" + ProbeRecipes.all.map { "\($0.name): \($0.abstract)." }.joined(separator: "\n")
    }

    static let examples = [
        "hl-probe --train train.hls --test test.hls --encoder encoder.safetensors",
        "hl-probe --recipe lbfgs --train train-e.hls --test test-e.hls --json | jq .linear.score.mean",
    ]

    @Option(
        help: ArgumentHelp("Stream to train the classifier on; - is standard input. (path)", valueName: "file"),
        completion: .file())
    var train: String

    @Option(
        help: ArgumentHelp("Stream to test it on; - is standard input. (path)", valueName: "file"), completion: .file())
    var test: String

    @Option(
        help: ArgumentHelp(
            "How the classifier is made; other options change single settings. (\(ProbeRecipes.names); default: "
                + "\(ProbeRecipes.all[0].name))", valueName: "name"),
        completion: .list(ProbeRecipes.all.map(\.name)), transform: Probe.recipe)
    var recipe: ProbeRecipe?

    @OptionGroup var randomness: SeedOption

    @OptionGroup(title: "Encoder") var network: EncoderOptions

    @OptionGroup(title: "Recipes paper, copgen and mlvgm") var descent: DescentOptions

    @OptionGroup(title: "Recipe lbfgs") var regression: RegressionOptions

    @Option(
        help: ArgumentHelp(
            "Classifiers to train, with seeds from --seed on; with lbfgs, draws of the validation share and of shots. "
                + "(integer from 1 to 1000; default: the recipe's: copgen 1, lbfgs 1 and 5 draws of shots, else 5)",
            valueName: "n"))
    var seeds: Int?

    @Option(
        help: ArgumentHelp(
            "Embeddings for the linear classifier: as they are, of unit length, or standardised by the train set. "
                + "(raw, unit or standard; default: raw)", valueName: "name"),
        completion: .list(FeatureScaling.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there are no features") })
    var features: FeatureScaling?

    @Option(
        help: ArgumentHelp(
            "Measure to report, and to choose the penalty by. (top1, mean-per-class or map11; default: what the field "
                + "reports on the test set)", valueName: "name"),
        completion: .list(ReportedMetric.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there is no metric") })
    var metric: ReportedMetric?

    @Option(
        help: ArgumentHelp(
            "What to do with test samples of classes without train samples; leave-out also leaves out train samples of "
                + "classes without test samples. (errors, refuse or leave-out; default: errors)", valueName: "name"),
        completion: .list(ProbeClasses.Unmatched.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there is no way") })
    var unmatched: ProbeClasses.Unmatched?

    @Option(name: .customShort("k"), help: ArgumentHelp("Neighbours that vote. (integer from 1)", valueName: "n"))
    var neighbours = 200

    @Option(
        help: ArgumentHelp(
            "Temperature of their votes' weights, exp(cosine / temperature). (number from 0.02)", valueName: "x"))
    var temperature = 0.1

    @Flag(help: "Print the accuracy of each class too.")
    var perClass = false

    @Option(
        help: ArgumentHelp(
            "Write the confusion matrix, as a picture or a table. (path to a .png or .tsv)", valueName: "file"),
        completion: .file())
    var confusion: String?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Write the linear classifier of the first seed with its encoder, for hl-delta. (path)", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(help: "Print JSON, with the accuracy of every seed and class, and every fit.")
    var json = false

    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "give fewer samples, or lower --threads or, but for --recipe lbfgs, --batch"

    var chosenRecipe: ProbeRecipe { recipe ?? ProbeRecipes.all[0] }

    func validate() throws {
        try check(train != "-" || test != "-", "standard input cannot be both sets", "name a file for one of them")
        if let validation = regression.validation {
            try check(
                validation != "-" || (train != "-" && test != "-"), "standard input cannot be two sets",
                "name files for the others")
        }
        let count = seeds ?? 1
        try check((1...1000).contains(count), "cannot train \(count) classifiers", "give --seeds from 1 to 1000")
        try check(
            randomness.seed.addingReportingOverflow(UInt64(clamping: seeds ?? 5)).overflow == false,
            "the seeds from \(randomness.seed) on lead beyond the last", "give a smaller --seed")
        switch chosenRecipe.method {
        case .descent: try refuseForeign(regression.given, "lbfgs")
        case .regression: try refuseForeign(descent.given, "paper, copgen or mlvgm")
        }
        try check(neighbours >= 1, "\(neighbours) neighbours cannot vote", "give -k from 1")
        try check(
            temperature >= 0.02 && temperature.isFinite, "temperature \(temperature) is out of range",
            "give --temperature from 0.02")
        if descent.passes != nil {
            try check(network.isGiven, "--passes is for images", "give --encoder too, or leave it out")
        }
        if metric == .map11, case .descent = chosenRecipe.method {
            throw refuse("--metric map11 is for --recipe lbfgs", "give both, or another metric")
        }
        if json && perClass { throw refuse("--json has each class always", "leave out --per-class") }
        if let confusion { _ = try ConfusionOutput(confusion) }
        if let output {
            try check(
                network.isGiven, "the classifier of embeddings has no encoder to be written with",
                "give --encoder and images, or leave out -o")
            try check(output != "-", "a classifier is not written to standard output", "give -o FILE")
        }
    }

    private func refuseForeign(_ option: String?, _ recipes: String) throws {
        if let option {
            throw refuse("\(option) is no option of --recipe \(chosenRecipe.name)", "leave it out, or take \(recipes)")
        }
    }

    private static func recipe(_ name: String) throws -> ProbeRecipe {
        guard let recipe = ProbeRecipes[name] else {
            throw refuse(
                "there is no recipe '\(name)'", "choose one of \(ProbeRecipes.all.map(\.name).joined(separator: ", "))")
        }
        return recipe
    }

    func run() throws {
        // A missing or foreign encoder is found before hours of reading.
        let backend = try network.makeBackend(shared)
        let encoder = network.isGiven ? try network.makeEncoder(seed: randomness.seed, on: backend) : nil
        let matrix = try confusion.map { try ConfusionOutput($0) }
        try matrix?.check()
        let classifier = output.map { ClassifierOutput(path: $0) }
        try classifier?.check()
        try Recording.begin(recording, beside: output, seed: randomness.seed)
        let paths = [("train", train), ("validation", regression.validation), ("test", test)]
        var sets = try paths.compactMap { role, path in
            try path.map { try ProbeSet.read(path: $0, role: role, wantsImages: network.isGiven, on: backend) }
        }
        try ProbeCheck.all(sets, embedded: encoder == nil)
        let chosen = ChosenMetric(metric, test: sets[sets.count - 1]), isSeveral = try severalLabels(chosen, sets)
        let metric = isSeveral || chosen.metric != .map11 ? chosen : .oneLabel
        if isSeveral && matrix != nil {
            throw refuse("samples that show several classes have no confusion matrix", "leave out --confusion")
        }
        if isSeveral && classifier != nil {
            throw refuse("a classifier of samples that show several classes has no file", "leave out -o")
        }
        let classes =
            isSeveral
            ? try ProbeClasses(several: sets, unmatched: unmatched ?? .errors)
            : try ProbeClasses(sets, unmatched: unmatched ?? .errors)
        try matrix?.check(classes: classes.names.count)
        sets = zip(sets, classes.kept).map { set, rows in rows.map(set.gather) ?? set }
        for (index, set) in sets.enumerated() {
            for other in sets[(index + 1)...] { ProbeCheck.warnAboutCopies(set, other) }
        }
        Console.note("\(network.isGiven ? network.name : "embedded before"), \(backend.summary)")
        encoder?.warnAboutSize(of: sets[0].content.shape)
        let samples = try zip(sets, classes.targets).map { set, targets in
            TargetedFeatures(features: try embed(set, encoder), targets: targets)
        }
        let evaluation = Evaluation(
            recipe: chosenRecipe, descent: descent, regression: regression, seed: randomness.seed, seedCount: seeds,
            scaling: features ?? .raw, neighbours: NearestNeighbours(k: neighbours, temperature: temperature),
            sets: sets, samples: samples, classes: classes, metric: metric,
            encoder: encoder.map { ($0, network.name) }, backend: backend)
        let report = try evaluation.report()
        Recording.tell(JSONObject(uniqueMembers: report.object.members.filter { ["linear", "knn"].contains($0.key) }))
        if let matrix, let counts = report.confusion { try matrix.write(counts, names: classes.names) }
        if let classifier, let encoder { try classifier.write(report, encoder, seed: randomness.seed) }
        try Console.printOutput(json ? report.json : report.table(perClass: perClass))
    }

    /// Whether each sample's classes are judged one by one.
    private func severalLabels(_ metric: ChosenMetric, _ sets: [ProbeSet]) throws -> Bool {
        guard metric.metric == .map11 else { return false }
        let isMarked = sets.allSatisfy { $0.marks != nil }
        if self.metric == nil {
            if case .descent = chosenRecipe.method {
                warn("\(chosenRecipe.name) knows one label a sample: the first of each counts, by top-1")
                return false
            }
            if !isMarked { warn("not all sets have y.all: the first label of each sample counts, by top-1") }
            return isMarked
        }
        guard isMarked else {
            throw Failure(
                .data, "map11 is for samples that may show several classes, and a set has no y.all",
                "read VOC with class=all, or give another --metric")
        }
        return true
    }

    private func embed(_ set: ProbeSet, _ encoder: Encoder?) throws -> HostTensor {
        let features = try encoder?.encode(.host(set.content)) ?? set.content
        try ProbeCheck.finite(features, set)
        return features
    }
}

runTool(Probe.self)
