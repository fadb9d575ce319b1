import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor

/// The training of an encoder on a stream of views.
final class EncoderTraining: Trainee {
    let unit = "pairs"
    private let source: PairSource
    private let trainer: EncoderTrainer
    private let output: String
    /// That of the images that the encoder was trained on, known from the first batch on.
    private(set) var side = 0
    private var pairs: PairSource.Pairs?
    private var last: EncoderTrainer.Report?

    /// - Parameter output: the encoder's file.
    init(_ settings: TrainingSettings, source: PairSource, output: String, on backend: any Backend) {
        self.source = source
        self.output = output
        trainer = EncoderTrainer(settings, cropsArePrepared: source.stream.crop != nil, on: backend)
    }

    var batch: Int { trainer.settings.batch }
    var step: Int { trainer.step }
    var steps: Int { trainer.settings.steps }
    var settings: JSONValue { trainer.settings.json }
    var streamHashes: [UInt64] { [source.hash] }

    func feed() throws -> Bool {
        let method = trainer.settings.method, isFirst = source.likeness == nil
        pairs = try source.nextPairs(batch, views: method.viewsPerSample, labelled: method.needsLabels)
        if let pairs { try accept(pairs.images.shape) }
        if isFirst, let likeness = source.likeness { tellLikeness(likeness) }
        return pairs != nil
    }

    /// What an encoder cannot be trained on is said before the training and not at its end.
    private func accept(_ shape: [Int]) throws {
        var side = shape[2]
        if let crop = source.stream.crop {
            guard shape[2] == crop.size, shape[3] == crop.size else {
                throw Failure(
                    .data, "the stream says that its crops have \(crop.size) pixels, and has \(shape[3]) x \(shape[2])",
                    "make it again with hl-sample")
            }
            side = crop.side
        }
        guard EncoderDescription.sides.contains(side) else {
            throw Failure(
                .data, "the stream has images of \(side) pixels a side",
                "give images of \(EncoderDescription.sides.lowerBound) to \(EncoderDescription.sides.upperBound)")
        }
        self.side = side
    }

    /// Pairs that are the same image teach nothing, with a loss that looks well.
    private func tellLikeness(_ likeness: PairSource.Likeness) {
        let isAugmented = trainer.settings.augmentation != .none
        switch likeness {
        case .different: break
        case .noPositives where isAugmented:
            Console.inform("the stream has no positives: the views of a pair differ by augmentation alone")
        case .identical where isAugmented:
            warn("the positives are the same as their anchors: the views of a pair differ by augmentation alone")
        default:
            warn(
                "both views of a pair are the same image, and nothing is learnt from that: put hl-perturb before "
                    + "hl-train, or leave out --augment none")
        }
    }

    func skip() throws -> Bool { try source.skip(batch) }

    func train(reading: Bool) throws -> Bool {
        guard let pairs else { return false }
        let report = try trainer.train(
            on: pairs.images, labels: pairs.labels, ids: pairs.ids, epochs: pairs.epochs, wantsReport: reading)
        last = report ?? last
        return report != nil
    }

    var report: String { last.map { "loss \(rounded($0.loss)), spread \(rounded($0.spread))" } ?? "" }

    var logEntry: JSONObject {
        guard let last else { return [:] }
        return [
            "loss": .number(last.loss), "spread": .number(last.spread), "learning_rate": .float(last.rate),
        ]
    }

    func state() throws -> NamedTensors { try trainer.state() }

    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws {
        try trainer.restore(tensors, step: step)
        self.side = side
    }

    func finish() throws -> Conclusion {
        let settings = trainer.settings
        let description = try EncoderDescription(
            architecture: settings.architecture, width: settings.width, stem: settings.stem, side: side,
            crop: Augmentation.cropSize(renderSide: side))
        let file = EncoderCheckpoint.file(
            description, state: Array(try trainer.weights()), training: settings.json,
            history: source.stream.history(seed: settings.seed))
        try Checkpoint.write(file, to: output)
        let collapse = last.flatMap { $0.spread < 0.1 ? rounded($0.spread) : nil }
        return Conclusion(
            warning: collapse.map {
                "the projections have collapsed (spread \($0) of 1): the encoder has learnt nothing"
            },
            message: "wrote \(output)")
    }
}
