import ArgumentParser
import HLCommand
import HLEncoders
import HLFormats
import HLTensor

/// hl-train discriminator: learns to tell generated images from real ones, for hl-filter.
struct TrainDiscriminator: Tool {
    static let configuration = describe(
        "hl-train discriminator", "Train a discriminator of real against generated images, for hl-filter.",
        discussion: """
            Reads generated samples and, with --real, real ones, or those of a generator that plays their part. The \
            first samples of both are held out; the rest is gone through once. The file carries the area under the ROC \
            curve on what was held out.
            """)

    static let examples = [
        "hl-sample --seed 1 | hl-train discriminator -n 262144 --real <(hl-sample --clean --seed 2) -o d.safetensors"
    ]

    @Argument(help: "Stream of generated samples; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(help: ArgumentHelp("Stream of real images. (path)", valueName: "file"), completion: .file())
    var real: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("File to write. (path)", valueName: "file"), completion: .file())
    var output = "discriminator.safetensors"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Images of each kind to train on. (integer from --batch)", valueName: "n"))
    var samples = 65_536

    @OptionGroup var seed: SeedOption

    @Option(
        help: ArgumentHelp(
            "Images of each kind to hold out, of all processes together that train. (integer from 1)", valueName: "n"))
    var heldOut = 1024

    @Option(
        help: ArgumentHelp(
            "Images of each kind per step, of all processes together that train. (integer from 2 to 65536)",
            valueName: "n"))
    var batch = DiscriminatorTrainer.Settings().batch

    @Option(help: ArgumentHelp("Learning rate of Adam, down to 0 by a cosine. (number above 0)", valueName: "x"))
    var learningRate = DiscriminatorTrainer.Settings().rate

    @Option(help: ArgumentHelp("Channels of the first convolution. (integer from 1 to 1024)", valueName: "n"))
    var width = DiscriminatorTrainer.Settings().width

    @OptionGroup(title: "Options of the run") var running: RunOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --width, --held-out or --threads"

    func validate() throws {
        try check(
            (2...65_536).contains(batch), "cannot train on \(batch) images a step", "give --batch from 2 to 65536")
        try check(samples >= batch, "\(samples) images do not fill one step of \(batch)", "raise -n or lower --batch")
        try check(
            (1...1 << 20).contains(heldOut), "cannot hold out \(heldOut) images", "give --held-out from 1 to 1048576")
        try check((1...1024).contains(width), "cannot build a network of width \(width)", "give --width from 1 to 1024")
        try check(
            learningRate > 0 && learningRate.isFinite, "learning rate \(learningRate) is out of range",
            "give --learning-rate above 0")
        try check(real != "-" || input != "-", "both streams cannot be standard input", "name the file of one of them")
        try check(output != "-", "a discriminator is not written to standard output", "give -o FILE")
    }

    func run() throws {
        let group = try ProcessGroup.join(), ranks = group?.count ?? 1
        if group?.isFirst ?? true { try running.checkOutput(output, inputs: [input, real]) }
        try checkShares(batch, "images", among: ranks, divisor: ranks)
        try checkHeldOut(heldOut, "--held-out", among: ranks)
        let backend = try running.makeBackend(threads: shared.threads)
        var settings = DiscriminatorTrainer.Settings()
        settings.batch = batch
        settings.steps = samples / batch
        settings.rate = learningRate
        settings.width = width
        settings.seed = seed.seed
        settings.precision = try running.computing.resolved(on: backend)
        settings.ranks = ranks
        let generated = try ImageSource(input, on: backend)
        let training = try DiscriminatorTraining(
            settings, heldOut: heldOut, real: ImageSource(real, on: backend), generated: generated, group: group,
            output: output, on: backend)
        try SurvivableRun(training, output: output, running, group: group).go(resuming: running.resume)
    }
}
