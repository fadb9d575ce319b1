import ArgumentParser
import HLAdversarial
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import HLViews

/// hl-train generator: learns to make images like those of a stream, from latents of chunks, for hl-sample.
struct TrainGenerator: Tool {
    static let configuration = describe(
        "hl-train generator", "Train a generator of hierarchical latents on images, for hl-sample.",
        discussion: """
            Reads images of 32, 64 or 128 pixels, better without end, and trains a generator and a discriminator against \
            each other. Chunk 0 of the latent makes the first 4 x 4 positions, chunk i enters block i. The file has the \
            names of BigBiGAN's public code. Beside the output, a folder of checkpoints is kept, each with a sheet of \
            samples and a sheet of single chunks redrawn.
            """)

    static let examples = [
        "hl-sample --data cifar10:photos --size 32 --shuffle --epochs 0 | hl-train generator --content infonce -o g.safetensors",
        "hl-sample --weights g.safetensors | hl-perturb --chunks 1-3 | hl-train -o encoder.safetensors",
    ]

    @Argument(help: "Stream of images; - is standard input. (path)", completion: .file())
    var input = "-"

    @Option(
        name: .shortAndLong, help: ArgumentHelp("File to write. (path)", valueName: "file"), completion: .file())
    var output = "generator.safetensors"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Images to train on, those of all passes. (integer from --batch)", valueName: "n"))
    var images = 1_048_576

    @OptionGroup var seed: SeedOption

    @Option(
        help: ArgumentHelp(
            "Channels behind the last block of the generator, and behind the first of the discriminator. "
                + "(integer from 1 to 256)", valueName: "n"))
    var width = defaults.width

    @Option(help: ArgumentHelp("Values of a chunk of the latent. (integer from 1 to 1024)", valueName: "n"))
    var chunkSize = defaults.chunkDimension

    @Option(
        help: ArgumentHelp(
            "What holds content in chunk 0: none; infonce, a head that must tell which chunk 0 made an image; or cells "
                + "of chunk 0 for the labels of the stream, which the generator has seen then. (none, infonce or cells)",
            valueName: "how"))
    var content = ContentChoice.none

    @Option(
        help: ArgumentHelp("With infonce: weight of its loss. (number above 0; default: 0.2)", valueName: "x"))
    var contentWeight: Float?

    @Option(
        help: ArgumentHelp("With infonce: temperature of its loss. (number above 0; default: 0.2)", valueName: "x"))
    var contentTemperature: Float?

    @Option(
        help: ArgumentHelp(
            "With cells: classes that labels number. (integer from 2 to --chunk-size; default: those that the stream "
                + "names)", valueName: "n"))
    var classes: Int?

    @Option(
        help: ArgumentHelp(
            "Images per step, of all processes together that train. (even integer from 4 to 4096)", valueName: "n"))
    var batch = defaults.batch

    @Flag(inversion: .prefixedNo, help: "Twice as many images per step in the second half of the steps.")
    var doubleBatch = true

    @Option(
        help: ArgumentHelp(
            "Learning rate of the generator, which falls to 0 over the second half. (number above 0)", valueName: "x"))
    var learningRate = defaults.generatorRate

    @Option(help: ArgumentHelp("Learning rate of the discriminator, likewise. (number above 0)", valueName: "x"))
    var discriminatorRate = defaults.discriminatorRate

    @Option(
        help: ArgumentHelp(
            "Steps of the discriminator, of --batch new images each, before each of the generator. (integer from 1 to 16)",
            valueName: "n"))
    var discriminatorSteps = defaults.discriminatorSteps

    @Option(
        help: ArgumentHelp(
            "Differentiable augmentation of all that the discriminator sees, for few images. "
                + "(\(augmentationNames), several joined by commas, or none)", valueName: "list"))
    var augment = "none"

    @Flag(inversion: .prefixedNo, help: "Mirror real images at random.")
    var flips = true

    @Option(
        help: ArgumentHelp("Generator of the same shape to begin with. (path)", valueName: "file"),
        completion: .file())
    var `init`: String?

    @Option(help: ArgumentHelp("Images between checkpoints that are kept. (integer from 1)", valueName: "n"))
    var every = 65_536

    @Option(
        help: ArgumentHelp(
            "Folder of the checkpoints that are kept. (path; default: the output's name with .checkpoints)",
            valueName: "folder"), completion: .directory)
    var checkpoints: String?

    @OptionGroup(title: "Measuring") var measuring: QualityOptions
    @OptionGroup(title: "Options of the run") var running: RunOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --width or --threads"

    private static let defaults = GeneratorTrainer.Settings()
    private static let augmentationNames = GeneratorTrainer.Augmentations.named.map(\.name).joined(separator: ", ")

    /// What `--content` names.
    enum ContentChoice: String, ExpressibleByArgument, CaseIterable {
        case none, infonce, cells
    }

    func validate() throws {
        let least = GeneratorTrainer.Settings.leastBatch
        try check(
            (least...4096).contains(batch) && batch % 2 == 0, "cannot train on \(batch) images a step",
            "give --batch an even number from \(least) to 4096")
        try check(
            (1...256).contains(width), "cannot build a network of width \(width)", "give --width from 1 to 256")
        try check(
            (1...1024).contains(chunkSize), "a chunk cannot have \(chunkSize) values",
            "give --chunk-size from 1 to 1024")
        try check(
            (1...16).contains(discriminatorSteps), "cannot take \(discriminatorSteps) steps of the discriminator",
            "give --discriminator-steps from 1 to 16")
        try check(steps >= 1, "\(images) images do not fill one step of \(batch * discriminatorSteps)", "raise -n")
        try check(every >= 1, "cannot keep a checkpoint every \(every) images", "give --every from 1")
        try checkPositive(learningRate, "learning rate", "--learning-rate")
        try checkPositive(discriminatorRate, "learning rate", "--discriminator-rate")
        try checkPositive(contentWeight, "the weight", "--content-weight")
        try checkPositive(contentTemperature, "temperature", "--content-temperature")
        try check(
            content == .infonce || (contentWeight == nil && contentTemperature == nil),
            "--content-weight and --content-temperature are for --content infonce", "leave them out")
        try check(content == .cells || classes == nil, "--classes is for --content cells", "leave it out")
        if let classes {
            try check(
                (2...max(2, chunkSize)).contains(classes), "a chunk of \(chunkSize) values has no \(classes) cells",
                "give --classes from 2 to --chunk-size")
        }
        _ = try augmentations()
        try check(output != "-", "a generator is not written to standard output", "give -o FILE")
    }

    func run() throws {
        let group = try ProcessGroup.join(), ranks = group?.count ?? 1, isFirst = group?.isFirst ?? true
        if isFirst {
            try running.checkOutput(output, inputs: [input] + [`init`].compactMap { $0 } + measuring.inputs)
        }
        try checkShares(
            batch, "images", among: ranks,
            divisor: GeneratorTrainer.Settings.leastShared(among: ranks, hasHead: content == .infonce))
        try measuring.checkRanks(ranks)
        let backend = try running.makeBackend(threads: shared.threads)
        let encoder = isFirst ? try measuring.makeEncoder(on: backend) : nil
        let images = try RealImages(input, isLabelled: content == .cells, group: group, on: backend)
        var settings = try settings(for: images)
        settings.precision = try running.computing.resolved(on: backend)
        settings.ranks = ranks
        let trainer = try GeneratorTrainer(settings, ranks: try group?.ranks(on: backend), on: backend)
        var origin = JSONObject()
        if let path = `init` {
            origin["init"] = .string(String(try SHA256.digest(ofFile: path).prefix(12)))
            try trainer.initialise(from: path)
        }
        if measuring.isWanted, let heldOut = measuring.heldOut { origin["eval_images"] = .integer(Int64(heldOut)) }
        let anchors = anchors(of: trainer.settings)
        let training = GeneratorTraining(
            trainer, origin, images: images, group: group,
            gallery: GeneratorGallery(
                folder: try CheckpointFolder(path: checkpoints, output: output), chunks: trainer.settings.chunks,
                draw: anchors),
            quality: try measuring.quality(in: encoder, heldOutOf: images, threads: shared.threads), anchors: anchors,
            intervals: .init(keep: every, measure: measuring.interval), output: output)
        try SurvivableRun(training, output: output, running, group: group).go(resuming: running.resume)
    }

    /// The largest number of steps that take no more than `--images` images.
    private var steps: Int {
        let count = images / (batch * discriminatorSteps)
        // Three batches for two steps, of which the second has twice as many.
        return doubleBatch ? count / 3 * 2 + (count % 3 == 2 ? 1 : 0) : count
    }

    private func settings(for images: RealImages) throws -> GeneratorTrainer.Settings {
        guard GeneratorTrainer.Settings.sides.contains(images.side) else {
            throw Failure(
                .data, "the stream has images of \(images.side) pixels a side",
                "give hl-sample --size \(GeneratorTrainer.Settings.sides.map(String.init).joined(separator: " or "))")
        }
        var settings = Self.defaults
        settings.side = images.side
        settings.width = width
        settings.chunkDimension = chunkSize
        settings.content = try content(for: images)
        settings.batch = batch
        settings.doublesBatch = doubleBatch
        settings.steps = steps
        settings.generatorRate = learningRate
        settings.discriminatorRate = discriminatorRate
        settings.discriminatorSteps = discriminatorSteps
        settings.flips = flips
        settings.augmentations = try augmentations()
        settings.seed = seed.seed
        return settings
    }

    private func content(for images: RealImages) throws -> GeneratorTrainer.Content {
        switch content {
        case .none: return .none
        case .infonce: return .infoNCE(weight: contentWeight ?? 0.2, temperature: contentTemperature ?? 0.2)
        case .cells:
            guard let count = classes ?? images.classNames?.count, count >= 2 else {
                throw Failure(.data, "the stream does not name the classes of its labels", "give --classes")
            }
            guard count <= chunkSize else {
                throw Failure(
                    .incompatible, "the stream has \(count) classes, and chunk 0 room for \(chunkSize) cells",
                    "raise --chunk-size, or give another --content")
            }
            return .cells(classes: count)
        }
    }

    private func augmentations() throws -> GeneratorTrainer.Augmentations {
        if augment == "none" { return [] }
        return try augment.split(separator: ",", omittingEmptySubsequences: false).reduce(into: []) { all, name in
            guard let found = GeneratorTrainer.Augmentations.named.first(where: { $0.name == name }) else {
                throw refuse("there is no augmentation '\(name)'", "choose from \(Self.augmentationNames), or none")
            }
            all.insert(found.value)
        }
    }

    /// The anchors that hl-sample would draw with this seed, [N, chunks, m], from sample `first` on.
    private func anchors(of settings: GeneratorTrainer.Settings) -> (_ first: Int, _ count: Int) -> HostTensor {
        let key = RandomKey(seed: seed.seed, purpose: .anchor), threads = shared.threadCount
        let (chunks, dimension) = (settings.chunks, settings.chunkDimension)
        return { first, count in
            TruncatedNormal.standard.draw(
                first: Int64(first), count: count, perSample: chunks * dimension, key: key, threads: threads
            ).reshaped([count, chunks, dimension])
        }
    }
}
