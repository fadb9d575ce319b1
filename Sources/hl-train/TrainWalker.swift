import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor
import HLViews
import HLWalkers

/// hl-train walker: learns how far chunks can be pushed before their images pass for others, for hl-perturb.
struct TrainWalker: Tool {
    static let configuration = describe(
        "hl-train walker", "Train a walker T, a learned perturbation of chosen chunks, for hl-perturb.",
        discussion: """
            Reads anchors, and trains T against an estimator of InfoNCE: the estimator learns to find the image of z + \
            T(z) by that of z, and T learns to prevent it, through the generator. The loss falls first, while T moves \
            little, and then rises; --stop-loss takes the walker where it comes back to that value. Beside the output, a \
            folder of checkpoints is kept, each with a sheet of anchors and views.
            """)

    static let examples = [
        "hl-sample | hl-train walker --chunks 5 --width 16 --rate-factor 4 --stop-loss 0.3 -o w5.safetensors",
        "hl-sample -n 1000000 | hl-perturb --walker w5.safetensors | hl-delta",
    ]

    @Argument(help: "Stream of anchors; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(
        name: .shortAndLong, help: ArgumentHelp("File to write. (path)", valueName: "file"), completion: .file())
    var output = "walker.safetensors"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Anchors after which it stops in any case. (integer from --batch)", valueName: "n"))
    var stopSamples = 262_144

    @OptionGroup var seed: SeedOption

    @Option(
        help: ArgumentHelp("Chunks to move, or layers. (list such as 2 or 1-5; default: all but 0)", valueName: "list"))
    var chunks: String?

    @Option(
        help: ArgumentHelp(
            "Stop where the loss, having fallen, is back at this value. (number above 0; default: go on to --stop-samples)",
            valueName: "x"))
    var stopLoss: Double?

    @Option(
        help: ArgumentHelp(
            "Anchors per step, of all processes together that train. (integer from 2 to 4096)", valueName: "n"))
    var batch = 64

    @Option(
        help: ArgumentHelp(
            "Learning rate of T; the default is 8e-5, or 1e-5 where all chunks move. (number above 0)", valueName: "x"))
    var learningRate: Float?

    @Option(
        help: ArgumentHelp(
            "Learning rate of the estimator; the default is 5e-5, or 3e-5 where all chunks move. (number above 0)",
            valueName: "x"))
    var estimatorLearningRate: Float?

    @Option(help: ArgumentHelp("Factor on both learning rates. (number above 0)", valueName: "x"))
    var rateFactor: Float = 1

    @Option(help: ArgumentHelp("Temperature of InfoNCE. (number above 0)", valueName: "x"))
    var temperature: Float = 0.1

    @Option(help: ArgumentHelp("Backbone of the estimator. (resnet18, resnet34 or resnet50)", valueName: "name"))
    var arch = ResNet.Architecture.resnet18

    @Option(help: ArgumentHelp("Channels of the estimator's first stage. (integer from 1 to 1024)", valueName: "n"))
    var width = 64

    @Option(help: ArgumentHelp("Anchors between checkpoints that are kept. (integer from 1)", valueName: "n"))
    var every = 2048

    @Option(
        help: ArgumentHelp(
            "Folder of the checkpoints that are kept. (path; default: the output's name with .checkpoints)",
            valueName: "folder"), completion: .directory)
    var checkpoints: String?

    @OptionGroup(title: "Options of the run") var running: RunOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --width or --threads"

    func validate() throws {
        try check((2...4096).contains(batch), "cannot train on \(batch) anchors a step", "give --batch from 2 to 4096")
        try check(
            stopSamples >= batch, "\(stopSamples) anchors do not fill one step of \(batch)", "raise -n or lower --batch"
        )
        try check(
            (1...1024).contains(width), "cannot build a backbone of width \(width)", "give --width from 1 to 1024")
        try check(every >= 1, "cannot keep a checkpoint every \(every) anchors", "give --every from 1")
        try checkPositive(learningRate, "learning rate", "--learning-rate")
        try checkPositive(estimatorLearningRate, "learning rate", "--estimator-learning-rate")
        try checkPositive(rateFactor, "the factor", "--rate-factor")
        try checkPositive(temperature, "temperature", "--temperature")
        try checkPositive(stopLoss.map(Float.init), "the loss to stop at,", "--stop-loss")
        try check(output != "-", "a walker is not written to standard output", "give -o FILE")
        _ = try chunks.map { try ChunkSet(parsing: $0) }
    }

    func run() throws {
        let group = try ProcessGroup.join(), ranks = group?.count ?? 1
        if group?.isFirst ?? true { try running.checkOutput(output, inputs: [input]) }
        try checkShares(batch, "anchors", among: ranks, divisor: ranks)
        let stream = try TrainingStream(path: input, epochs: 1, seed: seed.seed)
        guard stream.header.generator != nil else {
            throw Failure(
                .incompatible, "the stream has no generator, and a walker learns through one",
                "give this program anchors that hl-sample drew")
        }
        let specification = try GeneratorSpecification(of: stream.header)
        var settings = try settings(for: specification)
        let backend = try running.makeBackend(threads: shared.threads)
        settings.precision = try running.computing.resolved(on: backend)
        settings.ranks = ranks
        let training = try WalkerTraining(
            settings, steps: stopSamples / batch, stopLoss: stopLoss, stream: stream, group: group,
            generator: try specification.makeDifferentiableGenerator(on: backend),
            gallery: WalkerGallery(folder: try CheckpointFolder(path: checkpoints, output: output)), keepEvery: every,
            output: output)
        try SurvivableRun(training, output: output, running, group: group).go(resuming: running.resume)
    }

    /// - Throws: `Failure` (usage) for a product that no number holds.
    private func multiplied(_ rate: Float) throws -> Float {
        let product = rate * rateFactor
        try check(
            product > 0 && product.isFinite, "the learning rate \(rate) times \(rateFactor) is \(product)",
            "give another --rate-factor")
        return product
    }

    private func settings(for specification: GeneratorSpecification) throws -> WalkerSettings {
        let count = specification.mapped?.chunks ?? specification.chunks
        guard chunks != nil || count > 1 else {
            throw Failure(.usage, "the latent has one chunk only", "choose it with --chunks 0")
        }
        let chosen = try ChunkSet(parsing: chunks ?? "1-\(count - 1)")
        let target = try WalkerTarget(chosen, of: specification)
        var settings = WalkerSettings(chunks: chosen, isWhole: target.isWhole)
        settings.walkerRate = try multiplied(learningRate ?? settings.walkerRate)
        settings.estimatorRate = try multiplied(estimatorLearningRate ?? settings.estimatorRate)
        settings.batch = batch
        settings.temperature = temperature
        settings.architecture = arch
        settings.width = width
        settings.seed = seed.seed
        return settings
    }
}
