import ArgumentParser
import HLCommand
import HLFormats
import HLTensor

/// One run of a training, whatever is trained: feeds it, reports, logs, and survives being stopped.
///
/// A run that was stopped, by whatever signal, and resumed with the same streams ends with the same bits as one that was
/// not, as far as the trainee's `state` holds all that decides them.
final class SurvivableRun {
    private let trainee: any Trainee
    private let checkpoint: TrainingCheckpoint
    private let interval: Double
    private let options: RunOptions
    private let output: String
    /// Steps that the checkpoint holds.
    private var savedSteps = 0

    /// - Parameters:
    ///   - output: the file that the trainee will write; the checkpoint stands beside it.
    ///   - options: how often it is saved, and where it logs.
    init(_ trainee: any Trainee, output: String, _ options: RunOptions) {
        self.trainee = trainee
        interval = options.checkpointEvery
        checkpoint = TrainingCheckpoint(output: output)
        self.options = options
        self.output = output
    }

    /// Trains to the end.
    /// - Parameter resuming: whether to go on from the checkpoint, where there is one.
    /// - Throws: `Failure` when a stream ends before or is damaged; what was reached is kept for `--resume`. `ExitCode`
    ///   when a signal has stopped it.
    func go(resuming: Bool) throws {
        Console.note("settings \(trainee.settings.text)")
        Termination.install()
        do {
            if resuming { try resume() }
        } catch is Interrupted {
            Console.inform("stopped before it went on: \(checkpoint.path) stays as it is")
            throw Termination.leave()
        }
        // What is refused is refused before the record of an earlier run is lost.
        let names = ["step", "samples"] + trainee.logNames, rule = options.stopWhen
        let numbers = names.filter { !trainee.logLists.contains($0) }
        try check(
            rule.map { numbers.contains($0.name) } ?? true,
            "the training logs no number '\(rule?.name ?? "")' for --stop-when",
            "choose one of \(numbers.joined(separator: ", "))")
        let recorder = try TrainingRecorder(options, resumingAfter: trainee.step, names: names)
        try beginRecord()
        try trainee.begin()
        let progress = Progress(
            total: trainee.totalSamples, doneBefore: trainee.samples, unit: trainee.unit)
        var lastSaved = Progress.now()
        var stoppedBy: Double?
        while !trainee.isOver && trainee.step < trainee.steps && stoppedBy == nil {
            try feed(progress)
            let isLast = trainee.step + 1 == trainee.steps
            // Reading a loss waits for the step; every so many steps is enough for people and logs. What is about to be
            // saved has to be read as well, so that no checkpoint holds a network that is lost.
            let isLogged = isLast || trainee.step % 10 == 0
            let isSaved = !isLast && Progress.now() - lastSaved >= interval
            let before = trainee.samples
            _ = try trainee.train(reading: isLogged || isSaved || Termination.isRequested)
            if isLogged || trainee.isOver || trainee.isMilestone {
                stoppedBy = rule?.fulfilled(by: entry)
                if stoppedBy != nil { try trainee.measureAtEnd() }
                try recorder.write(entry, step: trainee.step)
                Recording.tell(trainee.logEntry, after: trainee.samples)
                tellStreams()
            }
            progress.advance(by: trainee.samples - before, extra: trainee.report)
            // A run that goes on from where the rule held would not see it again.
            if isSaved && stoppedBy == nil {
                try save(trainee.streamHashes)
                lastSaved = Progress.now()
            }
        }
        if let rule, let stoppedBy, trainee.step < trainee.steps {
            Console.inform(
                "\(rule.name) is \(rounded(stoppedBy)) after \(Progress.grouped(trainee.samples)) \(trainee.unit): "
                    + "--stop-when \(rule.text) ends it")
        }
        let conclusion = try trainee.finish()
        checkpoint.remove()
        progress.finish(extra: trainee.report)
        if let warning = conclusion.warning { warn(warning) }
        Console.inform(conclusion.message)
    }

    // MARK: The record

    private func beginRecord() throws {
        try Recording.begin(
            options.recording, beside: output, settings: trainee.settings, seed: trainee.settings["seed"]?.seed,
            resumingAfter: trainee.step > 0 ? trainee.samples : nil)
        tellStreams()
    }

    private func tellStreams() { Recording.tell(streams: trainee.streams.map { ($0.header, $0.hash) }) }

    private var entry: JSONObject {
        var entry: JSONObject = [
            "step": .integer(Int64(trainee.step)), "samples": .integer(Int64(trainee.samples)),
        ]
        for (key, value) in trainee.logEntry.members { entry[key] = value }
        return entry
    }

    private var progressText: String { "\(trainee.step) of \(trainee.steps) steps" }

    // MARK: Streams

    /// Takes the samples of the next step, unless a signal has come, which is looked for while it waits too.
    private func feed(_ progress: Progress) throws {
        // One of two streams may have been read from when the other one stalls or ends.
        let hashes = trainee.streamHashes
        let isFed: Bool
        do {
            try Interrupted.check()
            isFed = try trainee.feed()
        } catch {
            // Who stops a whole pipeline stops the programs before this one too, and the stream is cut short.
            guard Termination.isRequested else { throw keeping(hashes, after: error) }
            try stop(hashes, progress)
            throw Termination.leave()
        }
        if !isFed { throw try endedEarly(hashes) }
    }

    private func stop(_ hashes: [UInt64], _ progress: Progress) throws {
        if trainee.step > savedSteps { try save(hashes) }
        progress.finish()
        Console.inform(
            trainee.step > 0 ? "stopped after \(progressText); --resume goes on" : "stopped before the first step")
    }

    /// A stream that is cut or damaged takes nothing away from the steps before.
    private func keeping(_ hashes: [UInt64], after error: any Error) -> any Error {
        guard let failure = error as? Failure, trainee.step > 0 else { return error }
        if trainee.step > savedSteps { do { try save(hashes) } catch { return failure } }
        return Failure(
            failure.kind, failure.what, "\(failure.remedy) (--resume goes on from \(checkpoint.path), \(progressText))")
    }

    private func endedEarly(_ hashes: [UInt64]) throws -> Failure {
        guard trainee.step > 0 else { return trainee.shortage }
        if trainee.step > savedSteps { try save(hashes) }
        let (reached, wanted) = (trainee.samples, trainee.totalSamples)
        return Failure(
            .data, "\(trainee.endedStream) ended after \(reached) of \(wanted) \(trainee.unit)",
            "give a longer one and --resume, which goes on from \(checkpoint.path), or give -n \(reached)")
    }

    // MARK: Checkpoints

    private func resume() throws {
        guard let saved = try checkpoint.load(for: trainee.settings) else { return }
        for _ in 0..<saved.step {
            try Interrupted.check()
            guard try trainee.skip() else { throw checkpoint.differentStream }
        }
        guard trainee.streamHashes == saved.streamHashes else { throw checkpoint.differentStream }
        try trainee.restore(saved.tensors, step: saved.step, side: saved.side)
        savedSteps = saved.step
        Console.inform("resuming after \(progressText)")
    }

    /// - Parameter hashes: of the streams behind the samples of the last step.
    private func save(_ hashes: [UInt64]) throws {
        let tensors = try trainee.state()
        // A signal may come right behind a step whose loss was not read.
        if let lost = tensors.first(where: { $0.tensor.type == .f32 && $0.tensor.firstNonFinite != nil }) {
            throw Failure(
                .data, "the training has diverged: \(lost.name) holds a NaN or an infinity after step \(trainee.step)",
                "lower the learning rate")
        }
        try Termination.whileSaving {
            try checkpoint.save(
                TrainingCheckpoint.Content(
                    settings: trainee.settings, step: trainee.step, streamHashes: hashes, side: trainee.side,
                    tensors: tensors))
        }
        savedSteps = trainee.step
    }
}
