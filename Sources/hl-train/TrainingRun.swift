import ArgumentParser
import Glibc
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor

/// One run of an encoder's training: feeds the trainer, reports, and survives being stopped.
final class TrainingRun {
    private let settings: TrainingSettings
    private let source: PairSource
    private let trainer: EncoderTrainer
    private let output: String
    private let logPath: String?
    /// Side of the images that the encoder was trained on, known from the first batch on.
    private var side: Int?

    private var checkpoint: TrainingCheckpoint { TrainingCheckpoint(path: output + ".resume") }

    init(
        _ settings: TrainingSettings, source: PairSource, output: String, backend: any Backend,
        log: String?
    ) throws {
        self.settings = settings
        self.source = source
        self.output = output
        Console.note("\(backend.summary)")
        Console.note("settings \(settings.json.text)")
        trainer = EncoderTrainer(settings, on: backend)
        logPath = log
    }

    /// Trains to the end of the schedule and writes the encoder.
    /// - Throws: `Failure(.data)` when the stream ends before; what was reached is kept for `--resume`.
    func go(resuming: Bool, checkpointEvery interval: Double) throws {
        Termination.install()
        if resuming { try resume() }
        let log = try logPath.map { try TrainingLog(path: $0, keepingUpTo: trainer.step) }
        let progress = Progress(
            total: settings.steps * settings.batch, doneBefore: trainer.step * settings.batch, unit: "pairs")
        var report: EncoderTrainer.Report?
        var lastCheckpoint = Progress.now()
        while trainer.step < settings.steps {
            let next = try source.nextPairs(
                settings.batch, views: trainer.model.viewsPerSample, labelled: settings.method == .supervised)
            guard let pairs = next else { throw try endedEarly() }
            side = pairs.images.shape[2]
            let isLast = trainer.step + 1 == settings.steps
            // Reading a loss waits for the step; every so many steps is enough for people and logs. What is about to be
            // saved has to be read as well, so that no checkpoint holds a network that is lost.
            let isLogged = isLast || trainer.step % 10 == 0
            let isStopping = Termination.requested
            let isSaved = !isLast && Progress.now() - lastCheckpoint >= interval
            if let new = try trainer.train(
                on: pairs.images, labels: pairs.labels, ids: pairs.ids, epoch: pairs.epoch,
                wantsReport: isLogged || isStopping || isSaved)
            {
                report = new
                if isLogged { try log?.write(step: trainer.step, samples: trainer.step * settings.batch, new) }
            }
            progress.advance(by: settings.batch, extra: report?.text ?? "")
            if isStopping {
                try save()
                progress.finish()
                Console.inform("stopped after \(trainer.step) of \(settings.steps) steps; --resume goes on")
                throw ExitCode(Termination.exitStatus)
            }
            if isSaved {
                try save()
                lastCheckpoint = Progress.now()
            }
        }
        try writeEncoder()
        checkpoint.remove()
        progress.finish(extra: report?.text ?? "")
        if let report, report.spread < 0.1 {
            warn("the projections have collapsed (spread \(rounded(report.spread)) of 1): the encoder has learnt nothing")
        }
        Console.inform("wrote \(output)")
    }

    private func resume() throws {
        guard let saved = try checkpoint.load(for: settings.json) else { return }
        for _ in 0..<saved.step {
            guard try source.skip(settings.batch) else { throw checkpoint.differentStream }
        }
        guard source.hash == saved.streamHash else { throw checkpoint.differentStream }
        try trainer.restore(saved.tensors, step: saved.step)
        side = saved.side
        Console.inform("resuming after \(saved.step) of \(settings.steps) steps")
    }

    private func endedEarly() throws -> Failure {
        let reached = "\(trainer.step * settings.batch) of \(settings.steps * settings.batch) pairs"
        guard trainer.step > 0 else {
            return Failure(.data, "the stream holds no \(settings.batch) pairs", "give it more samples or lower --batch")
        }
        try save()
        return Failure(
            .data, "the stream ended after \(reached)",
            "give a longer one and --resume, which goes on from \(checkpoint.path), or give -n \(trainer.step * settings.batch)")
    }

    private func save() throws {
        try checkpoint.save(
            TrainingCheckpoint.Content(
                settings: settings.json, step: trainer.step, streamHash: source.hash, side: side ?? 0,
                tensors: trainer.state()))
    }

    private func writeEncoder() throws {
        let side = side ?? 0
        let description = try EncoderDescription(
            architecture: settings.architecture, width: settings.width, stem: settings.stem, side: side,
            crop: Augmentation.cropSize(renderSide: side))
        let file = EncoderCheckpoint.file(
            description, state: Array(try trainer.weights()), training: settings.json,
            // A run that was stopped and resumed leaves the same file as one that was not.
            history: source.header.appending(
                arguments: CommandLine.arguments.dropFirst().filter { $0 != "--resume" }, seed: settings.seed
            ).history)
        try Safetensors.write(file, to: output)
    }
}

extension EncoderTrainer.Report {
    var text: String { "loss \(rounded(loss)), spread \(rounded(spread))" }
}
