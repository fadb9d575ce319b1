import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor

struct TrainEncoder: Tool {
    static let configuration = describe(
        "hl-train", "Train an encoder on a stream of views.",
        discussion: """
            Reads latents or images, renders what is missing, and trains a ResNet to bring the views of a sample \
            together. Samples with a view 1 make pairs of views 0 and 1, or for methods that take --positives all views up \
            to that; others make pairs of view 0 with itself, which augmentation then tells apart. The settings are fixed \
            defaults, never taken from the stream.

            \(methods)

            hl-train walker trains a learned perturbation for hl-perturb, hl-train discriminator a discriminator for \
            hl-filter, and hl-train generator a generator for hl-sample; see their --help.
            """)

    private static var methods: String {
        "Methods:\n"
            + Methods.all.map { "\($0.name): \($0.summary) (\($0.source))." }.joined(separator: "\n")
    }

    static let examples = [
        "hl-sample | hl-perturb --chunks 1-5 | hl-train",
        "hl-sample | hl-perturb --chunks 1-5 --views 4 | hl-train --method stablerep --positives 4",
        "hl-train --method simsiam --epochs 20 views.hls",
    ]

    @Argument(help: "Stream to read; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(
        name: .shortAndLong, help: ArgumentHelp("File to write the encoder to. (path)", valueName: "file"),
        completion: .file())
    var output = "encoder.safetensors"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "Samples to train on, in all, pairs or anchors with their positives. (integer from --batch; default: \(defaultSamples), or with --epochs "
                + "the whole file)", valueName: "n"))
    var samples: Int?

    @OptionGroup var seed: SeedOption

    @Option(help: ArgumentHelp("Training method, see above.", valueName: "name"))
    var method = Methods.standard

    @Option(help: ArgumentHelp("Backbone. (resnet18, resnet34 or resnet50)", valueName: "name"))
    var arch = ResNet.Architecture.resnet18

    @Option(
        help: ArgumentHelp(
            "Channels of the backbone's first stage; torchvision's is 64. (integer from 1 to 1024)", valueName: "n"))
    var width = 64

    @Option(
        help: ArgumentHelp(
            "First layers: torchvision's, or one 3×3 convolution. (imagenet or cifar)", valueName: "name"))
    var stem = ResNet.Stem.imagenet

    @Option(
        help: ArgumentHelp(
            "Pixel augmentations T_x: all of SimCLR's, without colour, without crops, AdaInf's weak ones, or none. "
                + "(simclr, no-color, no-crop, adainf or none)", valueName: "set"))
    var augment = AugmentationSet.noColor

    @Option(
        help: ArgumentHelp(
            "Samples per step, of all processes together that train. (integer from 2 to 65536)", valueName: "n"))
    var batch = 64

    @Option(help: ArgumentHelp("Times to go through a file, shuffled anew each time. (integer from 1)", valueName: "n"))
    var epochs = 1

    @Option(
        help: ArgumentHelp(
            "Second stream, with a share of every step, such as generated views beside photographs; - is standard input. "
                + "(path)", valueName: "file"), completion: .file())
    var mix: String?

    @Option(
        help: ArgumentHelp(
            "Samples of the first stream to those of --mix, exact over the steps. (such as 10:1; default: 1:1)",
            valueName: "n:m"))
    var mixRatio: MixingRatio?

    @Flag(
        help:
            "Let each pair count by its weight q.1 over the mean of the step, as hl-filter --quality or others made it."
    )
    var pairWeights = false

    @Option(
        help: ArgumentHelp(
            "Peak learning rate. (number above 0; default: \(Methods.each { "\($0.rate)" }) per 256 samples of a step)",
            valueName: "x"))
    var learningRate: Float?

    @Option(
        help: ArgumentHelp(
            "Steps over which the learning rate rises from 0. (integer from 0; default: \(Self.warmups))",
            valueName: "n"))
    var warmup: Int?

    @Option(
        help: ArgumentHelp(
            "Momentum of \(Methods.each(\.optimiser.name)). "
                + "(number from 0 to below 1; default: \(Methods.each { "\($0.momentum)" }))", valueName: "x"))
    var momentum: Float?

    @Option(
        help: ArgumentHelp(
            "L2 decay of \(Methods.each(\.optimiser.decayed)). "
                + "(number from 0; default: \(Methods.each { "\($0.decay)" }))", valueName: "x"))
    var weightDecay: Float?

    @Option(
        help: ArgumentHelp(
            "Encoder whose backbone the training begins at, of hl-train or of others; heads begin anew. (path; default: "
                + "weights drawn by --seed)", valueName: "file"), completion: .file())
    var `init`: String?

    @Option(
        help: ArgumentHelp(
            "Samples between encoders that are kept on the way. (integer from 1; default: none are kept)",
            valueName: "n"))
    var keepEvery: Int?

    @Option(
        help: ArgumentHelp(
            "Folder of the encoders that are kept. (path; default: the output's name with .checkpoints)",
            valueName: "folder"), completion: .directory)
    var checkpoints: String?

    @Option(
        help: ArgumentHelp(
            "Where several processes train, whose samples batch norm has statistics of: all of them, or each its own. "
                + "(global or local; default: \(Methods.each(\.batchNorm.rawValue)))", valueName: "scope"))
    var batchNorm: BatchNormScope?

    @OptionGroup(title: "Options of single methods") var own: MethodOptions
    @OptionGroup(title: "Judging it while it is trained") var evaluation: EvaluationOptions
    @OptionGroup(title: "Options of the run") var running: RunOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy =
        "lower --batch, --width or --threads, or the method's own --positives, --queue or --classes"

    /// Samples that a run without -n trains on.
    static let defaultSamples = 65_536

    func validate() throws {
        try check(
            (1...1024).contains(width), "cannot build a backbone of width \(width)", "give --width from 1 to 1024")
        try check(
            (2...65_536).contains(batch), "cannot train on \(batch) \(method.unit) a step",
            "give --batch from 2 to 65536")
        try check(epochs >= 1, "cannot train for \(epochs) epochs", "give --epochs from 1")
        try check(mixRatio == nil || mix != nil, "--mix-ratio is for --mix", "give --mix too, or leave it out")
        try check(mix != "-" || input != "-", "both streams cannot be standard input", "name the file of one of them")
        try check(
            mix == nil || epochs == 1, "--epochs is for one file, and --mix has another",
            "give hl-sample the --epochs, with --data or --data stream:FILE")
        try check(
            !pairWeights || method.weighsPairs, "--pair-weights is for pairs, which \(method.name) does not take",
            "choose --method \(Methods.all.filter(\.weighsPairs).map(\.name).joined(separator: ", ")), or leave it out")
        if let warmup { try check(warmup >= 0, "cannot warm up over \(warmup) steps", "give --warmup from 0") }
        if let momentum {
            try check(
                (0..<1).contains(momentum), "momentum \(momentum) is out of range", "give --momentum from 0 to below 1")
        }
        if let weightDecay {
            try check(
                weightDecay >= 0 && weightDecay.isFinite, "weight decay \(weightDecay) is out of range",
                "give --weight-decay from 0")
        }
        try checkPositive(learningRate, "learning rate", "--learning-rate")
        try method.check(Methods.values(of: method, given: own.given), batch)
        if let samples {
            try check(
                samples >= batch, "\(samples) \(method.unit) do not fill one step of \(batch)",
                "raise -n or lower --batch")
        }
        if let keepEvery {
            try check(keepEvery >= 1, "cannot keep an encoder every \(keepEvery) samples", "give --keep-every from 1")
        }
        try check(checkpoints == nil || keepEvery != nil, "--checkpoints is for --keep-every", "give both, or neither")
        try check(output != "-", "an encoder is not written to standard output", "give -o FILE")
    }

    func run() throws {
        let group = try ProcessGroup.join()
        if group?.isFirst ?? true {
            try running.checkOutput(output, inputs: [input] + [mix, `init`].compactMap { $0 } + evaluation.inputs)
        }
        try checkRanks(group?.count ?? 1)
        let backend = try running.makeBackend(threads: shared.threads)
        let source = try ViewSource(
            path: input, epochs: epochs, seed: seed.seed, threads: shared.threadCount,
            share: group.map { ($0.rank, $0.count) } ?? (0, 1), on: backend)
        if source.stream.crop != nil && !augment.cropsAtRandom {
            throw Failure(
                .incompatible, "the stream has random crops, and --augment \(augment.rawValue) takes whole images",
                "give --augment simclr, no-color or adainf, or leave out hl-sample's --random-resized-crop")
        }
        let steps = try samples.map { $0 / batch } ?? source.sampleCount.map(steps(of:)) ?? Self.defaultSamples / batch
        let settings = TrainingSettings(
            method: method, values: try Methods.values(of: method, given: own.given), architecture: arch, width: width,
            stem: stem, augmentation: augment, batch: batch, steps: steps, rate: learningRate, warmupSteps: warmup,
            momentum: momentum, decay: weightDecay, seed: seed.seed,
            precision: try running.computing.resolved(on: backend), ranks: group?.count ?? 1, batchNorm: batchNorm)
        let training = try EncoderTraining(
            settings, from: `init`, mixture: try mixture(source, on: backend), weighsPairs: pairWeights,
            group: group,
            judge: try evaluation.make(
                views: settings.viewsPerSample, threads: shared.threads, group: group, on: backend),
            gallery: try keepEvery.map { (try CheckpointFolder(path: checkpoints, output: output), $0) },
            output: output, on: backend)
        try SurvivableRun(training, output: output, running, group: group).go(resuming: running.resume)
    }

    /// Every rank takes as many samples of a step.
    private func checkRanks(_ ranks: Int) throws {
        try checkShares(batch, method.unit, among: ranks, divisor: ranks)
        try check(
            batch / ranks >= 2 || (batchNorm ?? method.batchNorm) == .global,
            "each of \(ranks) processes has one of \(batch) \(method.unit), which no batch norm of its own can do with",
            "raise --batch or give --batch-norm global")
    }

    private func mixture(_ main: ViewSource, on backend: any Backend) throws -> ViewMixture {
        let other = try mix.map { path in
            try ViewSource(
                path: path, name: path == "-" ? "standard input" : path, seed: seed.seed, threads: shared.threadCount,
                on: backend)
        }
        return try ViewMixture(
            main, with: other.map { (source: $0, ratio: mixRatio ?? MixingRatio(1, 1)) }, on: backend)
    }

    /// Steps that go through a file of so many samples.
    private func steps(of count: Int) throws -> Int {
        let (steps, overflow) = (count / batch).multipliedReportingOverflow(by: epochs)
        try check(
            !overflow && steps <= Int.max / batch, "\(epochs) epochs of \(count) \(method.unit) are beyond counting",
            "lower --epochs")
        return steps
    }

    private static var warmups: String { Methods.each { $0.warmupPercent == 0 ? "0" : "\($0.warmupPercent) % of all" } }
}

extension BatchNormScope: ExpressibleByArgument {}
extension MixingRatio: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
extension ResNet.Architecture: ExpressibleByArgument {}
extension ResNet.Stem: ExpressibleByArgument {}
extension AugmentationSet: ExpressibleByArgument {}
