import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLTensor

/// hl-probe: what a linear classifier and k nearest neighbours get out of embeddings.
struct Probe: Tool {
    static let configuration = describe(
        "hl-probe", "Probe embeddings with a linear classifier and k nearest neighbours.",
        discussion: """
            Both sets need labels (y) and embeddings (e.0, from hl-encode). With --encoder or --untrained the images \
            are embedded here, and the linear classifier trains on a fresh random crop and flip of every image in \
            every epoch, as the paper does. Reports percent: mean and standard deviation over the seeds, which decide \
            the classifier's initial weights and the order of the samples.
            """)

    static let examples = [
        "hl-probe --train train.hls --test test.hls --encoder encoder.safetensors",
        "hl-probe --train train.hls --test test.hls --untrained --json | jq .linear.top1.mean",
    ]

    @Option(
        help: ArgumentHelp("Stream to train the classifier on; - is standard input. (path)", valueName: "file"),
        completion: .file())
    var train: String

    @Option(
        help: ArgumentHelp("Stream to test it on; - is standard input. (path)", valueName: "file"), completion: .file())
    var test: String

    @OptionGroup var randomness: SeedOption

    @OptionGroup(title: "Encoder") var network: EncoderOptions

    @Option(
        help: ArgumentHelp(
            "With an encoder: augmented passes over the train images, used in turn by the epochs; 0 takes the central "
                + "crops. (integer from 0; default: a pass for every epoch)", valueName: "n"))
    var passes: Int?

    @Option(
        help: ArgumentHelp("Classifiers to train, with seeds from --seed on. (integer from 1 to 1000)", valueName: "n"))
    var seeds = 5

    @Option(help: ArgumentHelp("Passes over the train set. (integer from 1 to 100000)", valueName: "n"))
    var epochs = 60

    @Option(
        help: ArgumentHelp(
            "Learning rate at the beginning; it falls to 0 by half a cosine. (number above 0)", valueName: "x"))
    var learningRate: Float = 30

    @Option(help: ArgumentHelp("Samples per step. (integer from 1 to 65536)", valueName: "n"))
    var batch = 256

    @Option(
        help: ArgumentHelp(
            "Embeddings for the linear classifier: as they are, of unit length, or standardised by the train set. "
                + "(raw, unit or standard; default: raw)", valueName: "name"),
        completion: .list(["raw", "unit", "standard"]),
        transform: { text in
            guard let scaling = FeatureScaling(rawValue: text) else {
                throw Failure(.usage, "there are no features '\(text)'", "choose one of raw, unit, standard")
            }
            return scaling
        })
    var features: FeatureScaling?

    @Option(name: .customShort("k"), help: ArgumentHelp("Neighbours that vote. (integer from 1)", valueName: "n"))
    var neighbours = 200

    @Option(
        help: ArgumentHelp(
            "Temperature of their votes' weights, exp(cosine / temperature). (number from 0.02)", valueName: "x"))
    var temperature = 0.1

    @Flag(help: "Print JSON, with the accuracy of every seed.")
    var json = false

    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch or --threads"

    func validate() throws {
        try check(train != "-" || test != "-", "standard input cannot be both sets", "name a file for one of them")
        try check((1...1000).contains(seeds), "cannot train \(seeds) classifiers", "give --seeds from 1 to 1000")
        try check(
            randomness.seed.addingReportingOverflow(UInt64(clamping: seeds)).overflow == false,
            "the seeds from \(randomness.seed) on lead beyond the last", "give a smaller --seed")
        try check((1...100_000).contains(epochs), "cannot train for \(epochs) epochs", "give --epochs from 1 to 100000")
        try check(
            learningRate > 0 && learningRate.isFinite, "cannot train at rate \(learningRate)",
            "give --learning-rate above 0")
        try check(
            (1...65_536).contains(batch), "cannot train on \(batch) samples a step", "give --batch from 1 to 65536")
        try check(neighbours >= 1, "\(neighbours) neighbours cannot vote", "give -k from 1")
        try check(
            temperature >= 0.02 && temperature.isFinite, "temperature \(temperature) is out of range",
            "give --temperature from 0.02")
        if let passes {
            try check(passes >= 0, "cannot make \(passes) passes", "give --passes from 0")
            try check(network.isGiven, "--passes is for images", "give --encoder too, or leave it out")
        }
    }

    func run() throws {
        // A missing or foreign encoder is found before hours of reading.
        let backend = try network.makeBackend(shared)
        let encoder = network.isGiven ? try network.makeEncoder(seed: randomness.seed, on: backend) : nil
        let train = try read(self.train, "train", backend), test = try read(self.test, "test", backend)
        try ProbeCheck.origins(train, test)
        if encoder == nil { try ProbeCheck.encoders(train, test) }
        try ProbeCheck.shapes(train, test)
        let classes = try ProbeClasses(train, test)
        ProbeCheck.warnAboutCopies(train, test)
        Console.note("\(network.isGiven ? network.name : "embedded before"), \(backend.summary)")
        encoder?.warnAboutSize(of: train.content.shape)
        let trainFeatures = try embed(train, encoder), testFeatures = try embed(test, encoder)
        let neighbours = NearestNeighbours(k: min(neighbours, train.count), temperature: temperature)
        let votes = try neighbours.scores(
            train: .init(features: trainFeatures, labels: classes.train), test: testFeatures, classes: classes.count,
            on: backend)
        let linear = try trainClassifiers(train, trainFeatures, testFeatures, classes, encoder, backend)
        let report = ProbeReport(
            train: train, test: test, dimension: trainFeatures.rowSize, classes: classes.count,
            encoder: network.isGiven ? network.name : nil, scaling: features ?? .raw, passes: passesText, probe: probe,
            seeds: allSeeds, linear: linear, neighbours: neighbours,
            nearest: ProbeScore(scores: votes, labels: classes.test))
        try Console.printOutput(json ? report.json : report.table)
    }

    private var probe: LinearProbe { LinearProbe(learningRate: learningRate, epochs: epochs, batchSize: batch) }
    private var allSeeds: [UInt64] { (0..<UInt64(seeds)).map { randomness.seed + $0 } }

    private var passesText: String {
        if !network.isGiven { return "embedded before" }
        return passes == 0 ? "central crop" : "random crop and flip, \(min(passes ?? epochs, epochs)) passes"
    }

    private func read(_ path: String, _ role: String, _ backend: any Backend) throws -> ProbeSet {
        try ProbeSet.read(path: path, role: role, wantsImages: network.isGiven, on: backend)
    }

    private func embed(_ set: ProbeSet, _ encoder: Encoder?) throws -> HostTensor {
        let features = try encoder?.encode(.host(set.content)) ?? set.content
        try ProbeCheck.finite(features, set)
        return features
    }

    private func trainClassifiers(
        _ train: ProbeSet, _ features: HostTensor, _ testFeatures: HostTensor, _ classes: ProbeClasses,
        _ encoder: Encoder?, _ backend: any Backend
    ) throws -> [ProbeScore] {
        let scale = (self.features ?? .raw).fitted(to: features)
        let passes = min(self.passes ?? epochs, epochs)
        var augmented: ((Int) throws -> HostTensor)?
        if let encoder, passes > 0 {
            var kept: [HostTensor] = []
            augmented = { epoch in
                if epoch >= passes { return kept[epoch % passes] }
                let pass = scale(
                    try encoder.encode(
                        .host(train.content), augmentation: .linearProbe, ids: train.ids, epoch: epoch,
                        seed: randomness.seed))
                if passes < epochs { kept.append(pass) }
                return pass
            }
        }
        let progress = Progress(total: epochs * train.count * seeds)
        defer { progress.finish() }
        return try probe.run(
            train: .init(features: scale(features), labels: classes.train),
            test: .init(features: scale(testFeatures), labels: classes.test), classes: classes.count,
            seeds: allSeeds, on: backend, trainFeatures: augmented, progress: { progress.advance(by: $0) })
    }
}

runTool(Probe.self)
