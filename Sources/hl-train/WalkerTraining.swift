import HLCommand
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLWalkers

/// The training of a walker on a stream of anchors: keeps checkpoints of it, and decides when it is over.
final class WalkerTraining: Trainee {
    let unit = "anchors"
    let steps: Int
    private let stream: TrainingStream
    private let group: ProcessGroup?
    private let trainer: WalkerTrainer
    private let specification: GeneratorSpecification
    private let gallery: WalkerGallery
    private let keepEvery: Int
    private let stopLoss: Double?
    private let output: String
    private var rule: StopRule
    /// The first anchors of the stream, which every sheet shows.
    private var shown: (z: HostTensor, ids: HostTensor)?
    private var anchors: (z: HostTensor, ids: HostTensor)?
    private var last: (report: WalkerTrainer.Report, deltas: DeltaSummary)?

    /// Anchors that the loss is averaged over before it is compared with --stop-loss, as the public code does.
    private static let averaged = 2048

    /// - Parameters:
    ///   - steps: those after which it stops in any case.
    ///   - stopLoss: where it stops when the loss, having fallen, is back there; nil goes on to the last step.
    ///   - group: the processes that train with this one; nil where it is alone.
    ///   - gallery: gets the walker as it is after every `keepEvery` anchors.
    ///   - output: the walker's file.
    init(
        _ settings: WalkerSettings, steps: Int, stopLoss: Double?, stream: TrainingStream, group: ProcessGroup?,
        generator: any DifferentiableGenerator, gallery: WalkerGallery, keepEvery: Int, output: String
    ) throws {
        self.steps = steps
        self.stopLoss = stopLoss
        self.stream = stream
        self.group = group
        self.gallery = gallery
        self.keepEvery = keepEvery
        self.output = output
        specification = generator.specification
        trainer = try WalkerTrainer(
            settings, generator: generator, ranks: try group?.ranks(on: generator.backend))
        // Without --stop-loss the average is still reported.
        rule = StopRule(threshold: stopLoss ?? .infinity, window: max(1, Self.averaged / settings.batch))
    }

    var batch: Int { trainer.settings.batch }
    /// This rank's anchors of a step.
    private var share: Int { batch / trainer.settings.ranks }
    var fedIDs: [(stream: String, ids: [Int64])] { [(endedStream, anchors?.ids.integers ?? [])] }
    var step: Int { trainer.step }
    var isOver: Bool { rule.isOver }
    var settings: JSONValue { trainer.settings.json }
    var streams: [TrainingStream] { [stream] }
    var side: Int { specification.resolution }

    // MARK: Anchors

    func feed() throws -> Bool {
        anchors = try stream.nextBatch(share).map { try anchors(of: $0.batch) }
        return anchors != nil
    }

    func skip() throws -> Bool {
        guard let next = try stream.nextBatch(share)?.batch else { return false }
        if shown == nil { _ = try anchors(of: next) }
        return true
    }

    /// z and ids of a batch.
    /// - Throws: `Failure(.data)` for latents of another shape than the generator's, or that hold no numbers.
    private func anchors(of batch: Batch) throws -> (z: HostTensor, ids: HostTensor) {
        let z = try batch.require("z.0", .f32, rank: 3), ids = try batch.require("id", .i64, rank: 1)
        try specification.base.require(z, "z.0")
        try z.requireFinite("z.0", ids: ids)
        if shown == nil {
            let count = min(WalkerGallery.columns, z.rowCount)
            shown = (z.rows(0..<count), ids.rows(0..<count))
        }
        return (z, ids)
    }

    // MARK: Training

    func begin() throws {
        if step == 0 { gallery.folder.warnWhereUsed() }
    }

    /// Every step is read, since its loss may be the last.
    func train(reading: Bool) throws -> Bool {
        guard let anchors else { return false }
        let report = try trainer.train(on: anchors.z, ids: anchors.ids)
        rule.add(report.loss)
        last = (report, DeltaSummary(report.deltas))
        if group?.isFirst ?? true, samples / keepEvery > (samples - batch) / keepEvery { try keep() }
        return true
    }

    var report: String {
        guard let last else { return "" }
        let loss = rounded(rule.average ?? last.report.loss)
        return "step \(Progress.grouped(step)), loss \(loss), δ \(last.deltas.text)"
    }

    let logNames = [
        "loss", "walker_loss", "average_loss", "lowest_loss", "delta_mean", "delta_std", "image_change",
    ]

    let logLists = ["delta_mean", "delta_std"]

    var logEntry: JSONObject {
        guard let (report, deltas) = last else { return [:] }
        return [
            "loss": .number(report.loss), "walker_loss": .number(report.walkerLoss),
            "average_loss": rule.average.map { .number($0) } ?? .null,
            "lowest_loss": rule.lowest.isFinite ? .number(rule.lowest) : .null,
            "delta_mean": .array(deltas.means.map { .number($0) }),
            "delta_std": .array(deltas.deviations.map { .number($0) }), "image_change": .number(report.imageChange),
        ]
    }

    // MARK: Files

    func state() throws -> NamedTensors {
        var tensors = try trainer.state()
        tensors["stop.recent"] = HostTensor(
            rule.recent.map { Int64(bitPattern: $0.bitPattern) }, shape: [rule.recent.count])
        tensors["stop.lowest"] = HostTensor([Int64(bitPattern: rule.lowest.bitPattern)], shape: [1])
        return tensors
    }

    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws {
        guard let recent = tensors["stop.recent"], recent.type == .i64, let lowest = tensors["stop.lowest"],
            lowest.type == .i64, lowest.elementCount == 1
        else { throw Failure(.data, "the checkpoint lacks the losses before it", "delete it and start the run anew") }
        guard step <= steps else {
            throw Failure(
                .incompatible,
                "the stopped run has seen \(step * batch) anchors, and is to stop after \(steps * batch)",
                "give -n from \(step * batch), or begin anew with --force instead of --resume")
        }
        try trainer.restore(tensors, step: step)
        func numbers(_ tensor: HostTensor) -> [Double] {
            tensor.integers.map { Double(bitPattern: UInt64(bitPattern: $0)) }
        }
        rule = StopRule(
            threshold: rule.threshold, window: rule.window, recent: numbers(recent), lowest: numbers(lowest)[0])
    }

    private func file() throws -> TensorFile {
        WalkerFile.make(
            trainer.target, of: specification, weights: try trainer.weights(), samples: samples, loss: rule.average,
            stopLoss: stopLoss, training: settings, history: stream.history(seed: trainer.settings.seed))
    }

    /// Keeps the walker as it is now, with its sheet.
    private func keep() throws {
        guard let shown else { return }
        try gallery.add(try file(), samples: samples, ids: shown.ids) { try trainer.views(of: shown.z, ids: shown.ids) }
    }

    func finish() throws -> Conclusion {
        try Checkpoint.write(file(), to: output, remedy: "lower the learning rates")
        try keep()
        let average = rule.average.map { rounded($0) } ?? "unknown"
        let message = "wrote \(output) after \(samples) anchors, loss \(average)"
        guard let stopLoss, !rule.isOver else { return Conclusion(message: message) }
        return Conclusion(
            warning: rule.hasFallen
                ? "the loss has fallen but did not come back to \(stopLoss) within \(samples) anchors "
                    + "(it is \(average)): train longer, or take a lower --stop-loss"
                : "the loss has not fallen below \(stopLoss) within \(samples) anchors (it is \(average)): "
                    + "train longer, or take a higher --stop-loss",
            message: message)
    }
}
