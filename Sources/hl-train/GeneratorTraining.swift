import HLAdversarial
import HLCommand
import HLFormats
import HLTensor

/// The training of a generator on a stream of images: keeps checkpoints of it, measures it, and says where its
/// discriminator has won.
final class GeneratorTraining: Trainee {
    let unit = "images"
    let settings: JSONValue
    private let trainer: GeneratorTrainer
    private let images: RealImages
    private let group: ProcessGroup?
    private let gallery: GeneratorGallery
    private let quality: GeneratorQuality?
    private let anchors: (_ first: Int, _ count: Int) -> HostTensor
    private let intervals: Intervals
    private let output: String
    private var real: RealImages.Images?
    private var skipped = 0
    private var watch = DiscriminatorWatch()
    private var last: GeneratorTrainer.Losses?
    private var recent = (discriminator: RunningMean(), generator: RunningMean())
    /// Of the last step that it was measured after.
    private var measured: (score: GeneratorQuality.Score, step: Int)?

    /// Images between two of what is done now and then.
    struct Intervals {
        /// Checkpoints that are kept.
        let keep: Int
        /// Measurements; nil where nobody asks for them.
        let measure: Int?
    }

    /// - Parameters:
    ///   - origin: what else decides the result, for the settings.
    ///   - group: the processes that train with this one; nil where it is alone.
    ///   - quality: measures the generator; nil where nobody asks, or another rank does it.
    ///   - anchors: latents [N, chunks, m] to measure it on: those of the samples `first` and behind it.
    ///   - output: the generator's file.
    init(
        _ trainer: GeneratorTrainer, _ origin: JSONObject, images: RealImages, group: ProcessGroup?,
        gallery: GeneratorGallery, quality: GeneratorQuality?,
        anchors: @escaping (_ first: Int, _ count: Int) -> HostTensor,
        intervals: Intervals, output: String
    ) {
        self.trainer = trainer
        self.images = images
        self.group = group
        self.gallery = gallery
        self.quality = quality
        self.anchors = anchors
        self.intervals = intervals
        self.output = output
        settings = Self.settings(trainer.settings, origin)
    }

    /// The trainer's, by the options that they come from. What the stream decides its hash and the side say.
    private static func settings(_ settings: GeneratorTrainer.Settings, _ origin: JSONObject) -> JSONValue {
        var object = JSONObject()
        for (key, value) in settings.json.object?.members ?? [] {
            switch key {
            case "side": break
            case "steps": object["images"] = .integer(Int64(settings.images(inSteps: settings.steps)))
            case "temperature": object["content_temperature"] = value
            case "discriminator_learning_rate": object["discriminator_rate"] = value
            case "augment":
                let names = value.array?.compactMap(\.string) ?? []
                object[key] = .string(names.isEmpty ? "none" : names.joined(separator: ","))
            default: object[key] = value
            }
        }
        for (key, value) in origin.members { object[key] = value }
        return .object(object)
    }

    var batch: Int { trainer.imagesWanted }
    var step: Int { trainer.step }
    var steps: Int { trainer.settings.steps }
    var samples: Int { trainer.imagesSeen }
    var totalSamples: Int { trainer.settings.images(inSteps: steps) }
    var streams: [TrainingStream] { [images.stream] }
    var side: Int { trainer.settings.side }
    var endedStream: String { images.name }
    var fedIDs: [(stream: String, ids: [Int64])] { [(images.name, real?.ids ?? [])] }
    private var isFirst: Bool { group?.isFirst ?? true }

    // MARK: Images

    func feed() throws -> Bool {
        real = try images.next(trainer.share)
        return real != nil
    }

    func skip() throws -> Bool {
        let settings = trainer.settings
        let count = settings.batch(inStep: skipped) * settings.discriminatorSteps
        skipped += 1
        return try images.skip(count / settings.ranks)
    }

    // MARK: Training

    func begin() throws {
        if step == 0 { gallery.folder.warnWhereUsed() }
    }

    func train(reading: Bool) throws -> Bool {
        guard let real else { return false }
        let seen = samples, isLast = step + 1 == steps
        func passes(_ interval: Int) -> Bool { (seen + batch) / interval > seen / interval }
        // The same on all ranks, which read the losses together.
        let isMeasured = intervals.measure.map { isLast || passes($0) } ?? false
        let isKept = isLast || passes(intervals.keep)
        let losses = try trainer.train(
            real: real.pixels, labels: real.labels, ids: real.ids, wantsLosses: reading || isMeasured)
        if let losses {
            last = losses
            recent.discriminator.add(losses.discriminator)
            recent.generator.add(losses.generator)
            if watch.add(losses.discriminator, step: step) { warnOfWinner() }
        }
        if isMeasured { try measure() }
        if isKept { try keep() }
        return losses != nil
    }

    /// The first rank keeps, while the others wait with their next word.
    private func keep() throws {
        guard isFirst else { return }
        try gallery.add(try file(), seen: samples) { try trainer.images(latents: $0) }
    }

    private func measure() throws {
        guard let quality else { return }
        let score = try quality.measure { rows in
            try trainer.images(latents: anchors(rows.lowerBound, rows.count))
        }
        measured = (score, step)
    }

    private func warnOfWinner() {
        let loss = rounded(watch.wonAt ?? 0), rate = trainer.settings.discriminatorRate / 2
        warn(
            "the discriminator has won (its loss is \(loss) over the last \(DiscriminatorWatch.window) steps, where 2 is "
                + "chance), and the generator learns no more from it: begin again with --discriminator-rate \(rate), half "
                + "of now, and a checkpoint of before for --init")
    }

    var isMilestone: Bool { measured?.step == step }

    var logNames: [String] {
        var names = [
            "discriminator_loss", "generator_loss", "real_score", "generated_score", "real_accuracy",
            "generated_accuracy", "learning_rate", "discriminator_rate",
        ]
        if case .infoNCE = trainer.settings.content { names.append("content_loss") }
        if intervals.measure != nil { names += ["frechet", "precision", "recall"] }
        return names
    }

    func measureAtEnd() throws {
        if measured?.step != step { try measure() }
        try keep()
    }

    var report: String {
        guard let discriminator = recent.discriminator.value, let generator = recent.generator.value else { return "" }
        let losses =
            "step \(Progress.grouped(step)), D \(rounded(discriminator)), G \(rounded(generator)), rate "
            + rate(trainer.rates.generator)
        return losses + (measured.map { ", Fréchet \(rounded($0.score.frechet, to: 1))" } ?? "")
    }

    var logEntry: JSONObject {
        guard let last else { return [:] }
        var entry: JSONObject = [
            "discriminator_loss": .number(last.discriminator), "generator_loss": .number(last.generator),
            "real_score": .number(last.real), "generated_score": .number(last.generated),
            "real_accuracy": .number(last.realAccuracy), "generated_accuracy": .number(last.generatedAccuracy),
            "learning_rate": .float(trainer.rates.generator),
            "discriminator_rate": .float(trainer.rates.discriminator),
        ]
        entry["content_loss"] = last.content.map { .number($0) }
        if let measured, measured.step == step {
            entry["frechet"] = .number(measured.score.frechet)
            entry["precision"] = .number(measured.score.precision)
            entry["recall"] = .number(measured.score.recall)
        }
        return entry
    }

    // MARK: Files

    private static let watchName = "watch"

    func state() throws -> NamedTensors {
        var tensors = try trainer.state()
        tensors[Self.watchName] = HostTensor(watch.words, shape: [watch.words.count])
        return tensors
    }

    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws {
        guard side == self.side else {
            throw Failure(
                .incompatible, "the run that was stopped had images of \(side) pixels, and the stream has \(self.side)",
                "give the same pipeline, or begin anew with --force instead of --resume")
        }
        guard let words = tensors[Self.watchName], words.type == .i64,
            let watch = DiscriminatorWatch(words: words.integers)
        else { throw Failure(.data, "the checkpoint lacks the losses before it", "delete it and start the run anew") }
        try trainer.restore(tensors, step: step)
        self.watch = watch
    }

    /// The averaged generator, with what it was measured to be where that is known.
    private func file() throws -> TensorFile {
        var file = try trainer.file(history: images.stream.history(seed: trainer.settings.seed))
        if let quality, let measured, measured.step == step {
            file.metadata["hl.quality"] = quality.json(measured.score, samples: samples).text
        }
        return file
    }

    func finish() throws -> Conclusion {
        try Checkpoint.write(file(), to: output, remedy: "lower the learning rates")
        var message = "wrote \(output) after \(Progress.grouped(samples)) images"
        if let score = measured?.score {
            message +=
                ", Fréchet distance \(rounded(score.frechet, to: 1)), precision \(rounded(score.precision)), "
                + "recall \(rounded(score.recall))"
        }
        if case .cells = trainer.settings.content {
            message += "; it was trained with the labels of the stream, which belongs beside every result"
        }
        return Conclusion(message: message)
    }
}
