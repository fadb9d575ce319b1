import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor

struct TrainEncoder: Tool {
    static let configuration = describe(
        "hl-train", "Train an encoder on a stream of views.",
        discussion: """
            Reads latents or images, renders what is missing, and trains a ResNet to bring the views of a sample \
            together. Samples with a view 1 make pairs of views 0 and 1; others make pairs of view 0 with itself, which \
            augmentation then tells apart. The settings are fixed defaults, never taken from the stream.

            hl-train walker trains a learned perturbation for hl-perturb, and hl-train discriminator a discriminator for \
            hl-filter; see their --help.
            """)

    @Argument(help: "Stream to read; - is standard input. (path)")
    var input = "-"

    @Option(name: .shortAndLong, help: ArgumentHelp("File to write the encoder to. (path)", valueName: "file"))
    var output = "encoder.safetensors"

    @Option(
        help: ArgumentHelp(
            "Training method; supervised needs labels and gives the ceiling. "
                + "(simsiam, simclr, byol, moco or supervised)", valueName: "name"))
    var method = MethodName.simclr

    @Option(help: ArgumentHelp("Backbone. (resnet18, resnet34 or resnet50)", valueName: "name"))
    var arch = ResNet.Architecture.resnet18

    @Option(help: ArgumentHelp("Channels of the backbone's first stage; torchvision's is 64. (integer from 1 to 1024)"))
    var width = 64

    @Option(help: ArgumentHelp("First layers: torchvision's, or one 3×3 convolution. (imagenet or cifar)"))
    var stem = ResNet.Stem.imagenet

    @Option(
        help: ArgumentHelp(
            "Pixel augmentations T_x: all of SimCLR's, without colour, without crops, or none. "
                + "(simclr, no-color, no-crop or none)", valueName: "set"))
    var augment = AugmentationSet.noColor

    @Option(help: ArgumentHelp("Pairs per step. (integer from 2)", valueName: "n"))
    var batch = 64

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Pairs to train on, in all. (integer)", valueName: "n"))
    var samples: Int?

    @Option(help: ArgumentHelp("Times to go through a file, shuffled anew each time. (integer from 1)", valueName: "n"))
    var epochs = 1

    @Option(
        help: ArgumentHelp(
            "Learning rate; the default is 0.05 (simsiam), 0.2 (byol), 0.03 (moco) or 0.8 (others) per 256 samples "
                + "a step. (number)", valueName: "x"))
    var learningRate: Float?

    @Option(
        help: ArgumentHelp(
            "Steps over which the learning rate rises from 0; the default is 1 % of all (byol) or 0. (integer from 0)",
            valueName: "n"))
    var warmup: Int?

    @Option(help: ArgumentHelp("Momentum of SGD and LARS. (number from 0 to below 1)", valueName: "x"))
    var momentum: Float = 0.9

    @Option(
        help: ArgumentHelp(
            "L2 decay of all parameters, for byol of the weights alone; the default is 0.0000015 (byol) or 0.0001. "
                + "(number from 0)", valueName: "x"))
    var weightDecay: Float?

    @Option(
        help: ArgumentHelp(
            "Temperature of InfoNCE, for simclr and moco; the default is 0.1 or 0.2. (number above 0)", valueName: "x"))
    var temperature: Float?

    @Option(
        help: ArgumentHelp(
            "Momentum of the momentum encoder, for byol (that of the first step) and moco; the default is 0.996 "
                + "or 0.999. (number from 0 to 1)", valueName: "x"))
    var targetMomentum: Float?

    @Option(help: ArgumentHelp("Keys in moco's queue, at least one batch. (integer from 2 to 1048576)", valueName: "n"))
    var queue = 65_536

    @Flag(
        inversion: .prefixedNo,
        help: "Batch norm in simclr's head, as in SimCLR's own code; COP-Gen's has none and starts more slowly.")
    var headNorm = true

    @Option(help: ArgumentHelp("Classes, for supervised. (integer from 2)", valueName: "n"))
    var classes = 10

    @OptionGroup(title: "Options of the run") var running: RunOptions
    @OptionGroup var seed: SeedOption
    @OptionGroup var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --width or --threads"

    /// Pairs that a run without -n trains on.
    static let defaultSamples = 65_536

    func validate() throws {
        try check((1...1024).contains(width), "cannot build a backbone of width \(width)", "give --width from 1 to 1024")
        try check((2...65_536).contains(batch), "cannot train on \(batch) pairs a step", "give --batch from 2 to 65536")
        try check(classes >= 2, "cannot tell \(classes) classes apart", "give --classes from 2")
        try check(epochs >= 1, "cannot train for \(epochs) epochs", "give --epochs from 1")
        if let warmup { try check(warmup >= 0, "cannot warm up over \(warmup) steps", "give --warmup from 0") }
        try check((0..<1).contains(momentum), "momentum \(momentum) is out of range", "give --momentum from 0 to below 1")
        if let weightDecay {
            try check(
                weightDecay >= 0 && weightDecay.isFinite, "weight decay \(weightDecay) is out of range",
                "give --weight-decay from 0")
        }
        try checkPositive(temperature, "temperature", "--temperature")
        if let targetMomentum {
            try check(
                (0...1).contains(targetMomentum), "target momentum \(targetMomentum) is out of range",
                "give --target-momentum from 0 to 1")
        }
        try check(
            (2...1_048_576).contains(queue), "cannot keep \(queue) keys", "give --queue from 2 to 1048576")
        try check(
            method != .moco || queue >= batch, "a queue of \(queue) keys does not hold one batch of \(batch)",
            "raise --queue or lower --batch")
        if let learningRate {
            try check(
                learningRate > 0 && learningRate.isFinite, "learning rate \(learningRate) is out of range",
                "give --learning-rate above 0")
        }
        if let samples {
            try check(samples >= batch, "\(samples) pairs do not fill one step of \(batch)", "raise -n or lower --batch")
        }
        try check(output != "-", "an encoder is not written to standard output", "give -o FILE")
    }

    func settings(steps: Int) -> TrainingSettings {
        TrainingSettings(
            method: method, architecture: arch, width: width, stem: stem, augmentation: augment, batch: batch,
            steps: steps, rate: learningRate ?? method.defaultRate * Float(batch) / 256,
            warmupSteps: warmup ?? method.defaultWarmup(steps: steps), momentum: momentum,
            decay: weightDecay ?? method.defaultDecay, headNorm: headNorm, classes: classes,
            temperature: temperature ?? method.defaultTemperature,
            targetMomentum: targetMomentum ?? method.defaultTargetMomentum, queue: queue, seed: seed.seed)
    }

    func run() throws {
        try OutputFile.check(path: output)
        let backend = try running.backend.make(threads: shared.threads)
        let source = try PairSource(path: input, epochs: epochs, seed: seed.seed, on: backend)
        let steps = (samples ?? source.sampleCount.map { $0 / batch * batch * epochs } ?? Self.defaultSamples) / batch
        let run = try TrainingRun(
            settings(steps: steps), source: source, output: output, backend: backend,
            log: running.log)
        try run.go(resuming: running.resume, checkpointEvery: running.checkpointEvery)
    }
}

extension MethodName: ExpressibleByArgument {}
extension ResNet.Architecture: ExpressibleByArgument {}
extension ResNet.Stem: ExpressibleByArgument {}
extension AugmentationSet: ExpressibleByArgument {}
