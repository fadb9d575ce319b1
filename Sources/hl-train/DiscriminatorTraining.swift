import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor

/// The training of a discriminator on two streams, real images and generated ones, whose first samples are held out to
/// measure it on. A run that goes on reads and renders these again. Where several processes train, each holds out those of
/// its shards, together as many as one process does.
final class DiscriminatorTraining: Trainee {
    let unit = "images of each kind"
    let settings: JSONValue
    private let real: ImageSource
    private let generated: ImageSource
    private let group: ProcessGroup?
    /// This rank's.
    private let heldOut: (real: ImageSource.Images, generated: ImageSource.Images)
    private let heldOutCount: Int
    private let trainer: DiscriminatorTrainer
    private let output: String
    private var images: (real: ImageSource.Images, generated: ImageSource.Images)?
    /// That of the last step that was read.
    private var last: (loss: Double, rate: Float)?
    private var recent = RunningMean()
    /// How it does on what was held out, once the training is over.
    private var measured: DiscriminatorCheckpoint.Measured?
    private(set) var endedStream = ""

    /// - Parameters:
    ///   - heldOut: images of each kind, of all ranks together.
    ///   - group: the processes that train with this one; nil where it is alone.
    ///   - output: the discriminator's file.
    /// - Throws: `Failure(.data)` where a stream has not so many.
    init(
        _ settings: DiscriminatorTrainer.Settings, heldOut: Int, real: ImageSource, generated: ImageSource,
        group: ProcessGroup?, output: String, on backend: any Backend
    ) throws {
        self.real = real
        self.generated = generated
        self.group = group
        self.output = output
        let own = group?.turns.share(of: heldOut) ?? heldOut
        guard let realImages = try real.next(own) else { throw Self.shortage(of: real.name) }
        guard let generatedImages = try generated.next(own) else { throw Self.shortage(of: generated.name) }
        self.heldOut = (realImages, generatedImages)
        if let group {
            // Some ranks have one more than others.
            let count = heldOut / group.count
            try group.requireDifferent(samples: Array(realImages.ids.prefix(count)), of: real.name)
            try group.requireDifferent(samples: Array(generatedImages.ids.prefix(count)), of: generated.name)
        }
        let shape = generatedImages.pixels.shape
        trainer = try DiscriminatorTrainer(
            settings, side: min(shape[2], shape[3]), ranks: try group?.ranks(on: backend), on: backend)
        heldOutCount = heldOut
        var all = settings.json.object ?? [:]
        all["held_out"] = .integer(Int64(heldOut))
        self.settings = .object(all)
    }

    var batch: Int { trainer.settings.batch }
    /// This rank's images of a step.
    private var share: Int { batch / trainer.settings.ranks }
    var step: Int { trainer.step }
    var steps: Int { trainer.settings.steps }
    var streams: [TrainingStream] { [real.stream, generated.stream] }
    var side: Int { trainer.model.side }
    var shortage: Failure { Self.shortage(of: endedStream) }

    private static func shortage(of name: String) -> Failure {
        Failure(
            .data, "\(name) has fewer samples than --held-out and -n together ask for",
            "lower -n or --held-out, or make more")
    }

    func feed() throws -> Bool {
        func next(of source: ImageSource) throws -> ImageSource.Images? {
            let images = try source.next(share)
            if images == nil { endedStream = source.name }
            return images
        }
        guard let realImages = try next(of: real), let generatedImages = try next(of: generated) else { return false }
        images = (realImages, generatedImages)
        return true
    }

    func skip() throws -> Bool { try real.stream.skip(share) && generated.stream.skip(share) }

    func train(reading: Bool) throws -> Bool {
        guard let images else { return false }
        let loss = try trainer.train(
            real: images.real.pixels, generated: images.generated.pixels, wantsLoss: reading)
        if let loss {
            last = (loss, trainer.rate)
            recent.add(loss)
        }
        return loss != nil
    }

    var report: String {
        guard let last, let mean = recent.value else { return "" }
        return "step \(Progress.grouped(step)), loss \(rounded(mean)), rate \(rate(last.rate))"
    }

    let logNames = ["loss", "learning_rate"]

    var logEntry: JSONObject {
        guard let last else { return [:] }
        return ["loss": .number(last.loss), "learning_rate": .float(last.rate)]
    }

    func state() throws -> NamedTensors { try trainer.state() }

    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws { try trainer.restore(tensors, step: step) }

    // MARK: The end

    func finish() throws -> Conclusion {
        guard let measured else { preconditionFailure("a discriminator is measured before it is written") }
        let file = try trainer.file(
            measured, history: generated.stream.history(seed: trainer.settings.seed, with: real.stream))
        try Checkpoint.write(file, to: output)
        let auc = rounded(measured.auc)
        let ofDefects = measured.defectAUC.map { ", \(rounded($0)) where the generated are the defective ones" } ?? ""
        return Conclusion(
            warning: measured.auc < 0.53
                ? "the discriminator has learnt next to nothing (AUC \(auc) where 0.5 is chance): train longer, or see "
                    + "whether the two streams differ" : nil,
            message: "wrote \(output), AUC \(auc) on \(measured.heldOut) held-out images of each kind\(ofDefects)")
    }

    func collect() throws {
        let real = try trainer.scores(of: heldOut.real.pixels), made = try trainer.scores(of: heldOut.generated.pixels)
        let areDefective = generated.defects(of: heldOut.generated) ?? made.map { _ in false }
        let scores = (real: ofAll(real), generated: ofAll(made))
        let defective = zip(scores.generated, ofAll(areDefective.map { $0 ? 1 : 0 })).filter { $0.1 > 0 }.map(\.0)
        measured = DiscriminatorCheckpoint.Measured(
            auc: areaUnderCurve(real: scores.real, generated: scores.generated), heldOut: scores.real.count,
            // Where there are none, or nobody knows, there is nothing to say.
            defectAUC: defective.isEmpty ? nil : areaUnderCurve(real: scores.real, generated: defective))
    }

    /// A number of each image that is held out, of all ranks in the order of the stream.
    private func ofAll(_ own: [Float]) -> [Float] {
        guard let group else { return own }
        return group.turns.inOrder(own.map { UInt64($0.bitPattern) }, of: heldOutCount)
            .map { Float(bitPattern: UInt32($0)) }
    }
}
