import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
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

    @Argument(help: "Stream of generated samples; - is standard input. (path)")
    var input = "-"

    @Option(help: ArgumentHelp("Stream of real images. (path)", valueName: "file"))
    var real: String

    @Option(name: .shortAndLong, help: ArgumentHelp("File to write. (path)", valueName: "file"))
    var output = "discriminator.safetensors"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Images of each kind to train on. (integer)", valueName: "n"))
    var samples = 65_536

    @Option(help: ArgumentHelp("Images of each kind to hold out. (integer from 1)", valueName: "n"))
    var heldOut = 1024

    @Option(help: ArgumentHelp("Images of each kind per step. (integer from 2 to 65536)", valueName: "n"))
    var batch = DiscriminatorTrainer.Settings().batch

    @Option(help: ArgumentHelp("Learning rate of Adam, down to 0 by a cosine. (number above 0)", valueName: "x"))
    var learningRate = DiscriminatorTrainer.Settings().rate

    @Option(help: ArgumentHelp("Channels of the first convolution. (integer from 1 to 1024)", valueName: "n"))
    var width = DiscriminatorTrainer.Settings().width

    @Option(help: ArgumentHelp("Library for the layers. (auto, onednn or plain)", valueName: "name"))
    var backend = BackendChoice.automatic

    @OptionGroup var seed: SeedOption
    @OptionGroup var shared: SharedOptions

    static let memoryRemedy = "lower --batch, --width or --threads"

    func validate() throws {
        try check((2...65_536).contains(batch), "cannot train on \(batch) images a step", "give --batch from 2 to 65536")
        try check(samples >= batch, "\(samples) images do not fill one step of \(batch)", "raise -n or lower --batch")
        try check((1...1 << 20).contains(heldOut), "cannot hold out \(heldOut) images", "give --held-out from 1 to 1048576")
        try check((1...1024).contains(width), "cannot build a network of width \(width)", "give --width from 1 to 1024")
        try check(
            learningRate > 0 && learningRate.isFinite, "learning rate \(learningRate) is out of range",
            "give --learning-rate above 0")
        try check(real != "-" || input != "-", "both streams cannot be standard input", "name the file of one of them")
        try check(output != "-", "a discriminator is not written to standard output", "give -o FILE")
    }

    func run() throws {
        try OutputFile.check(path: output)
        let backend = try backend.make(threads: shared.threads)
        let generated = try Images(input, on: backend), authentic = try Images(real, on: backend)
        let held = (real: try authentic.next(heldOut), generated: try generated.next(heldOut))
        let defects = generated.defects
        var settings = DiscriminatorTrainer.Settings()
        settings.batch = batch
        settings.steps = samples / batch
        settings.rate = learningRate
        settings.width = width
        settings.seed = seed.seed
        let side = min(held.generated.shape[2], held.generated.shape[3])
        let trainer = DiscriminatorTrainer(
            settings, side: side, on: backend)
        Console.note("settings \(settings.json.text), images of \(side) pixels")
        let progress = Progress(total: settings.steps * batch)
        var loss: Double?
        while trainer.step < settings.steps {
            let wantsLoss = trainer.step % 10 == 0 || trainer.step + 1 == settings.steps
            loss = try trainer.train(
                real: authentic.next(batch), generated: generated.next(batch), wantsLoss: wantsLoss) ?? loss
            progress.advance(by: batch, extra: loss.map { "loss \(rounded($0))" } ?? "")
        }
        progress.finish()
        let scores = (real: try trainer.scores(of: held.real), generated: try trainer.scores(of: held.generated))
        let measured = DiscriminatorCheckpoint.Measured(
            auc: areaUnderCurve(real: scores.real, generated: scores.generated), heldOut: heldOut,
            defectAUC: defectAUC(scores.real, scores.generated, defects))
        let history = generated.stream.header.appending(seed: seed.seed).history
        try Safetensors.write(trainer.file(measured, history: history), to: output)
        if measured.auc < 0.53 {
            warn("the discriminator has learnt next to nothing (AUC \(rounded(measured.auc)) where 0.5 is chance): train longer, "
                + "or see whether the two streams differ")
        }
        let ofDefects = measured.defectAUC.map { ", \(rounded($0)) where the generated are the defective ones" } ?? ""
        Console.inform(
            "wrote \(output), AUC \(rounded(measured.auc)) on \(heldOut) held-out images of each kind\(ofDefects)")
    }

    /// Of real images against the defective ones among the generated; nil where there are none or nobody knows.
    private func defectAUC(_ real: [Float], _ generated: [Float], _ defects: [Bool]?) -> Double? {
        let defective = zip(generated, defects ?? []).filter(\.1).map(\.0)
        return defective.isEmpty ? nil : areaUnderCurve(real: real, generated: defective)
    }

    /// View 0 of a stream.
    private final class Images {
        let stream: TrainingStream
        private let renderer: Renderer
        private let backend: any Backend
        private let oracle: (any DefectOracle)?
        private let name: String

        init(_ path: String, on backend: any Backend) throws {
            name = path == "-" ? "standard input" : path
            stream = try TrainingStream(path: path, epochs: 1, seed: 0)
            self.backend = backend
            renderer = try Renderer(stream.header, on: backend)
            oracle =
                stream.header.generator == nil
                ? nil : try GeneratorSpecification(of: stream.header).makeOracle() as? any DefectOracle
        }

        /// Which of the last images are defective, where the generator's oracle knows.
        var defects: [Bool]? { latents.flatMap { oracle?.defects(of: $0) } }
        private var latents: HostTensor?

        /// The next images, U8 or F32 [N, 3, H, W].
        /// - Throws: `Failure(.data)` where there are not so many left.
        func next(_ count: Int) throws -> Tensor {
            guard let batch = try stream.nextBatch(count)?.batch else {
                throw Failure(
                    .data, "\(name) has fewer samples than --held-out and -n together ask for", "lower -n or make more")
            }
            latents = batch.tensors["z.0"]
            return try renderer.images(of: [0], in: batch, on: backend)
        }
    }
}
