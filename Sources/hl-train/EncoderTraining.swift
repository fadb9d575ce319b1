import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// The training of an encoder on a stream of views, or on a mixture of two.
final class EncoderTraining: Trainee {
    let settings: JSONValue
    private let mixture: ViewMixture
    private let group: ProcessGroup?
    private let trainer: EncoderTrainer
    private let output: String
    /// That of the images that the encoder was trained on, known from the first batch on.
    private(set) var side = 0
    private var views: ViewSource.Views?
    private var last: EncoderTrainer.Report?
    private var recent = RunningMean()
    private let judge: EvaluationOptions.Judge?
    /// Of the last step that it was judged after.
    private var judged: (score: EncoderEvaluation.Score, step: Int)?
    /// Labels that the encoder of `--init` has been trained on, in words.
    private var supervisionOfStart: String?
    private let gallery: (folder: CheckpointFolder, interval: Int)?
    private let weighsPairs: Bool

    /// - Parameters:
    ///   - weighsPairs: whether pairs count by the weights that the stream has for them.
    ///   - start: an encoder's file to begin at; nil begins at weights that are drawn.
    ///   - group: the processes that train with this one; nil where it is alone.
    ///   - judge: judges the encoder, with the samples between two times.
    ///   - gallery: where encoders on the way are kept, with the samples between two of them.
    ///   - output: the encoder's file.
    /// - Throws: as `EncoderTrainer.initialise`.
    init(
        _ settings: TrainingSettings, from start: String?, mixture: ViewMixture, weighsPairs: Bool = false,
        group: ProcessGroup?, judge: EvaluationOptions.Judge?, gallery: (folder: CheckpointFolder, interval: Int)?,
        output: String, on backend: any Backend
    ) throws {
        self.mixture = mixture
        self.group = group
        self.judge = judge
        self.gallery = gallery
        self.weighsPairs = weighsPairs
        self.output = output
        trainer = EncoderTrainer(
            settings, cropsArePrepared: mixture.main.stream.crop != nil, ranks: try group?.ranks(on: backend),
            on: backend)
        var all = settings.json.object ?? JSONObject()
        if mixture.other != nil { all["mix_ratio"] = .string(mixture.ratio.text) }
        if weighsPairs { all["pair_weights"] = true }
        if let start {
            all["init"] = .string(String(try SHA256.digest(ofFile: start).prefix(12)))
            supervisionOfStart = try trainer.initialise(from: start)
        }
        self.settings = .object(all)
    }

    var unit: String { trainer.settings.method.unit }
    var batch: Int { trainer.settings.batch }
    /// This rank's samples of a step.
    private var share: Int { batch / trainer.settings.ranks }
    var step: Int { trainer.step }
    var steps: Int { trainer.settings.steps }
    var streams: [TrainingStream] { mixture.sources.map(\.stream) }
    /// The ids of a second stream are below 0 (`ViewMixture`).
    var fedIDs: [(stream: String, ids: [Int64])] {
        let ids = views?.ids ?? []
        return [(mixture.main.name, ids.filter { $0 >= 0 })]
            + (mixture.other.map { [($0.name, ids.filter { $0 < 0 })] } ?? [])
    }
    var endedStream: String { (mixture.ended ?? mixture.main).name }
    var shortage: Failure {
        Failure(
            .data,
            mixture.other == nil
                ? "the stream holds no \(share) \(unit)" : "\(endedStream) does not hold its share of \(share) \(unit)",
            "give it more samples or lower --batch")
    }

    func feed() throws -> Bool {
        let method = trainer.settings.method, new = mixture.sources.filter { $0.leftOut == nil }
        views = try mixture.next(
            share, views: trainer.settings.viewsPerSample, labelled: method.needsLabels,
            weighted: weighsPairs, shortage: shortage(in:_:))
        if let views { try accept(views.images.shape) }
        for source in new where source.leftOut != nil {
            tellLikeness(of: source)
            tellLeftOut(source.leftOut ?? [])
            if source.hasUnusedWeights {
                Console.inform(
                    "\(source.name) has weights of its pairs, q.1, and all count alike"
                        + (method.weighsPairs ? ": --pair-weights takes them" : ""))
            }
        }
        return views != nil
    }

    /// Of positives, where there are some.
    private func shortage(in source: ViewSource, _ found: Int) -> Failure {
        let wanted = trainer.settings.viewsPerSample - 1
        let remedy =
            source.stream.crop == nil
            ? "--views \(wanted) to hl-perturb" : "--views \(wanted + 1) to hl-sample, of which one is the anchor"
        return Failure(
            .incompatible,
            "the samples\(place(of: source)) have \(counted(found, "positive", "positives")), and "
                + "\(trainer.settings.method.name) takes \(wanted)",
            "give --positives \(found), or \(remedy)")
    }

    /// What a stream has more than is trained on was made for nothing.
    private func tellLeftOut(_ views: [Int]) {
        func text(_ views: [Int]) -> String {
            guard let last = views.last, views.count > 1 else { return "view \(views.first ?? 0)" }
            return "views \(views[0]) \(views.count == 2 ? "and" : "to") \(last)"
        }
        guard !views.isEmpty else { return }
        let method = trainer.settings.method
        let remedy =
            switch method.views {
            case .anchor: ""
            case .pair:
                ", which "
                    + Methods.all.filter { $0.views == .anchorAndPositives }.map { "--method \($0.name)" }
                    .joined(separator: " or ") + " takes in"
            case .anchorAndPositives: ", which --positives takes in"
            }
        Console.inform(
            "\(method.name) takes \(text(Array(0..<trainer.settings.viewsPerSample))) of each sample and leaves out "
                + text(views) + remedy)
    }

    /// What an encoder cannot be trained on is said before the training and not at its end.
    private func accept(_ shape: [Int]) throws {
        var side = shape[2]
        if let crop = mixture.main.stream.crop {
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

    /// Views that are the same image teach nothing, with a loss that looks well.
    private func tellLikeness(of source: ViewSource) {
        guard let likeness = source.likeness else { return }
        let isAugmented = trainer.settings.augmentation != .none
        let isPair = trainer.settings.viewsPerSample == 2
        let views = isPair ? "the views of a pair" : "the views of a sample"
        switch likeness {
        case .different: break
        case .noPositives where isAugmented:
            Console.inform("\(source.name) has no positives: \(views) differ by augmentation alone")
        case .identical where isAugmented:
            warn(
                "the positives\(place(of: source)) are the same as their anchors: \(views) differ by augmentation alone"
            )
        default:
            warn(
                "\(isPair ? "both views of a pair" : "all views of a sample")\(place(of: source)) are the same image, and "
                    + "nothing is learnt from that: put hl-perturb before hl-train, or leave out --augment none")
        }
    }

    /// Which stream's, where there are two.
    private func place(of source: ViewSource) -> String { mixture.other == nil ? "" : " of \(source.name)" }

    func skip() throws -> Bool { try mixture.skip(share) }

    func train(reading: Bool) throws -> Bool {
        guard let views else { return false }
        func passes(_ interval: Int) -> Bool { (samples + batch) / interval > samples / interval }
        let isJudged = judge.map { step + 1 == steps || passes($0.interval) } ?? false
        let isKept = gallery.map { passes($0.interval) } ?? false
        let report = try trainer.train(
            on: views.images, labels: views.labels, ids: views.ids, epochs: views.epochs,
            weights: weighsPairs ? views.weights : nil, wantsReport: reading || isJudged || isKept)
        if let report {
            last = report
            recent.add(report.loss)
        }
        if isJudged { try measureAtEnd() }
        if isKept, let gallery, group?.isFirst ?? true {
            try Checkpoint.write(file(), to: gallery.folder.name(samples) + ".safetensors")
        }
        return report != nil
    }

    func begin() throws {
        if step == 0 { gallery?.folder.warnWhereUsed() }
    }

    /// An encoder whose features are all the same cannot be judged, and its training is worth more than that.
    func measureAtEnd() throws {
        guard let evaluation = judge?.evaluation, judged?.step != step else { return }
        let encoder = Encoder(trainer.model.backbone, try description(), on: trainer.backend)
        do {
            judged = (try evaluation.measure(encoder), step)
        } catch let failure as Failure where failure.kind == .data {
            if !hasSaidUnjudged { warn("the encoder cannot be judged: \(failure.what)") }
            hasSaidUnjudged = true
        }
    }

    private var hasSaidUnjudged = false

    var isMilestone: Bool { judged?.step == step }

    var report: String {
        guard let last, let mean = recent.value else { return "" }
        let values =
            "step \(Progress.grouped(step)), loss \(rounded(mean)), spread \(rounded(last.spread)), rate "
            + rate(last.rate)
        guard let score = judged?.score else { return values }
        return values + ", k-NN \(rounded(score.neighbours, to: 1)) %, ridge \(rounded(score.ridge, to: 1)) %"
            + (score.rank.map { ", RankMe \(rounded($0, to: 1))" } ?? "")
    }

    var logNames: [String] {
        ["loss", "spread", "learning_rate"] + (judge == nil ? [] : ["eval_knn", "eval_ridge", "eval_rankme"])
    }

    var logEntry: JSONObject {
        guard let last else { return [:] }
        var entry: JSONObject = [
            "loss": .number(last.loss), "spread": .number(last.spread), "learning_rate": .float(last.rate),
        ]
        if let judged, judged.step == step {
            entry["eval_knn"] = .number(judged.score.neighbours)
            entry["eval_ridge"] = .number(judged.score.ridge)
            entry["eval_rankme"] = judged.score.rank.map { .number($0) }
        }
        return entry
    }

    func state() throws -> NamedTensors { try trainer.state() }

    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws {
        try trainer.restore(tensors, step: step)
        self.side = side
    }

    /// Labels behind what was learnt, but for those of a method that takes them.
    private var supervision: String? {
        let headers = mixture.sources.flatMap(\.stream.headers)
        return headers.contains(where: \.generatorHasSeenLabels)
            ? "labels that its generator has seen" : supervisionOfStart.map { "\($0), where it began" }
    }

    private func description() throws -> EncoderDescription {
        let settings = trainer.settings
        return try EncoderDescription(
            architecture: settings.architecture, width: settings.width, stem: settings.stem, side: side,
            crop: Augmentation.cropSize(renderSide: side), supervision: supervision)
    }

    private func file() throws -> TensorFile {
        var training = settings.object ?? JSONObject()
        // Kept on the way, or ended by --stop-when.
        if step < steps { training["steps_done"] = .integer(Int64(step)) }
        return EncoderCheckpoint.file(
            try description(), state: Array(try trainer.weights()), training: .object(training),
            history: mixture.history(seed: trainer.settings.seed))
    }

    func finish() throws -> Conclusion {
        try Checkpoint.write(file(), to: output)
        let collapse = last.flatMap { $0.spread < 0.1 ? rounded($0.spread) : nil }
        return Conclusion(
            warning: collapse.map {
                "the projections have collapsed (spread \($0) of 1): the encoder has learnt nothing"
            },
            message: "wrote \(output)")
    }
}
