import ArgumentParser
import HLCommand
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLWalkers

/// One run of a walker's training: feeds the trainer, keeps checkpoints, decides when it is over, and survives being
/// stopped.
final class WalkerRun {
    private let options: TrainWalker
    private let settings: WalkerSettings
    private let stream: TrainingStream
    private let trainer: WalkerTrainer
    private let specification: GeneratorSpecification
    private var log: TrainingLog?
    private let gallery: WalkerGallery
    private var rule: StopRule
    /// The first anchors of the stream, which every sheet shows.
    private var shown: (z: HostTensor, ids: HostTensor)?

    private var resumption: TrainingCheckpoint { TrainingCheckpoint(path: options.output + ".resume") }
    private var samples: Int { trainer.step * settings.batch }
    private var stepsAtMost: Int { options.stopSamples / settings.batch }

    /// Anchors that the loss is averaged over before it is compared with --stop-loss, as the public code does.
    private static let averaged = 2048

    init(
        _ settings: WalkerSettings, _ options: TrainWalker, stream: TrainingStream,
        generator: any DifferentiableGenerator, on backend: any Backend
    ) throws {
        self.settings = settings
        self.options = options
        self.stream = stream
        specification = generator.specification
        Console.note("\(backend.summary)")
        Console.note("settings \(settings.json.text)")
        trainer = try WalkerTrainer(
            settings, generator: generator)
        gallery = try WalkerGallery(folder: options.checkpoints, output: options.output)
        rule = Self.rule(options, settings)
    }

    /// Without --stop-loss the average is still reported.
    private static func rule(_ options: TrainWalker, _ settings: WalkerSettings) -> StopRule {
        StopRule(threshold: options.stopLoss ?? .infinity, window: max(1, averaged / settings.batch))
    }

    /// Trains until the loss is back or the anchors are used up, and writes the walker.
    /// - Throws: `Failure(.data)` when the stream ends before; what was reached is kept for `--resume`.
    func go() throws {
        Termination.install()
        if options.running.resume { try resume() }
        if trainer.step == 0 && gallery.isUsed {
            warn("\(gallery.folder) holds checkpoints of an earlier run, which stay: give another --checkpoints to keep them apart")
        }
        log = try options.running.log.map { try TrainingLog(path: $0, keepingUpTo: trainer.step) }
        let progress = Progress(total: options.stopSamples, doneBefore: samples, unit: "anchors")
        var lastSaved = Progress.now()
        while !rule.isOver && trainer.step < stepsAtMost {
            guard let batch = try stream.nextBatch(settings.batch)?.batch else { throw try endedEarly() }
            let (z, ids) = try anchors(of: batch)
            let report = try trainer.train(on: z, ids: ids)
            rule.add(report.loss)
            let deltas = DeltaSummary(report.deltas)
            if trainer.step % 10 == 1 || rule.isOver || trainer.step == stepsAtMost { try write(report, deltas) }
            progress.advance(by: settings.batch, extra: "loss \(rounded(rule.average ?? report.loss)), δ \(deltas.text)")
            if samples / options.every > (samples - settings.batch) / options.every { try keep() }
            if Termination.requested && !rule.isOver {
                try save()
                progress.finish()
                Console.inform("stopped after \(samples) anchors; --resume goes on")
                throw ExitCode(Termination.exitStatus)
            }
            if Progress.now() - lastSaved >= options.running.checkpointEvery {
                try save()
                lastSaved = Progress.now()
            }
        }
        try Safetensors.write(file(), to: options.output)
        try keep()
        resumption.remove()
        progress.finish()
        conclude()
    }

    private func conclude() {
        let average = rule.average.map(rounded) ?? "unknown"
        if let threshold = options.stopLoss, !rule.isOver {
            warn(
                rule.hasFallen
                    ? "the loss has fallen but did not come back to \(threshold) within \(samples) anchors (it is \(average)): "
                        + "train longer, or take a lower --stop-loss"
                    : "the loss has not fallen below \(threshold) within \(samples) anchors (it is \(average)): train longer, "
                        + "or take a higher --stop-loss")
        }
        Console.inform("wrote \(options.output) after \(samples) anchors, loss \(average)")
    }

    /// z and ids of a batch.
    /// - Throws: `Failure(.data)` for latents of another shape than the generator's, or that hold no numbers.
    private func anchors(of batch: Batch) throws -> (HostTensor, HostTensor) {
        let z = try batch.require("z.0", .f32, rank: 3), ids = try batch.require("id", .i64, rank: 1)
        guard z.shape[1] == specification.chunks, z.shape[2] == specification.dimension else {
            throw Failure(
                .data, "z.0 has \(z.shape[1]) chunks of \(z.shape[2]) where the header says \(specification.chunks) of "
                    + "\(specification.dimension)", "make the stream again with hl-sample")
        }
        let bad = z.withUnsafeElements(as: Float.self) { $0.firstIndex { !$0.isFinite } }
        if let bad {
            throw Failure(
                .data, "z.0 of sample \(ids.integers[bad / z.rowSize]) holds a NaN or an infinity",
                "make the stream again")
        }
        if shown == nil {
            let count = min(WalkerGallery.columns, z.rowCount)
            shown = (z.rows(0..<count), ids.rows(0..<count))
        }
        return (z, ids)
    }

    private func write(_ report: WalkerTrainer.Report, _ deltas: DeltaSummary) throws {
        try log?.write([
            "step": .integer(Int64(trainer.step)), "samples": .integer(Int64(samples)), "loss": .number(report.loss),
            "walker_loss": .number(report.walkerLoss),
            "average_loss": rule.average.map { .number($0) } ?? .null,
            "lowest_loss": rule.lowest.isFinite ? .number(rule.lowest) : .null,
            "delta_mean": .array(deltas.means.map { .number($0) }),
            "delta_std": .array(deltas.deviations.map { .number($0) }), "image_change": .number(report.imageChange),
        ])
    }

    // MARK: Files

    private func file() throws -> TensorFile {
        WalkerFile.make(
            trainer.target, of: specification, weights: try trainer.weights(), samples: samples, loss: rule.average,
            stopLoss: options.stopLoss, training: settings.json,
            // A run that was stopped and resumed leaves the same file as one that was not.
            history: stream.header.appending(
                arguments: CommandLine.arguments.dropFirst().filter { $0 != "--resume" }, seed: settings.seed
            ).history)
    }

    /// Keeps the walker as it is now, with its sheet.
    private func keep() throws {
        guard let shown else { return }
        try gallery.add(try file(), samples: samples, ids: shown.ids) { try trainer.views(of: shown.z, ids: shown.ids) }
    }

    private func save() throws {
        var tensors = try trainer.state()
        tensors["stop.recent"] = HostTensor(
            rule.recent.map { Int64(bitPattern: $0.bitPattern) }, shape: [rule.recent.count])
        tensors["stop.lowest"] = HostTensor([Int64(bitPattern: rule.lowest.bitPattern)], shape: [1])
        try resumption.save(
            TrainingCheckpoint.Content(
                settings: settings.json, step: trainer.step, streamHash: stream.hash, side: specification.resolution,
                tensors: tensors))
    }

    private func resume() throws {
        guard let saved = try resumption.load(for: settings.json) else { return }
        for _ in 0..<saved.step {
            guard let batch = try stream.nextBatch(settings.batch)?.batch else { throw resumption.differentStream }
            if shown == nil { _ = try anchors(of: batch) }
        }
        guard stream.hash == saved.streamHash else { throw resumption.differentStream }
        guard let recent = saved.tensors["stop.recent"], recent.type == .i64,
            let lowest = saved.tensors["stop.lowest"], lowest.type == .i64, lowest.elementCount == 1
        else {
            throw Failure(.data, "\(resumption.path) lacks the losses before it", "delete it and start anew")
        }
        try trainer.restore(saved.tensors, step: saved.step)
        func numbers(_ tensor: HostTensor) -> [Double] {
            tensor.integers.map { Double(bitPattern: UInt64(bitPattern: $0)) }
        }
        rule = StopRule(
            threshold: rule.threshold, window: rule.window, recent: numbers(recent), lowest: numbers(lowest)[0])
        Console.inform("resuming after \(samples) of at most \(options.stopSamples) anchors")
    }

    private func endedEarly() throws -> Failure {
        guard trainer.step > 0 else {
            return Failure(
                .data, "the stream holds no \(settings.batch) anchors", "give it more samples or lower --batch")
        }
        try save()
        return Failure(
            .data, "the stream ended after \(samples) of \(options.stopSamples) anchors",
            "give a longer one and --resume, which goes on from \(resumption.path), or give -n \(samples)")
    }
}
