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
    private let logPath: String?

    /// - Parameters:
    ///   - output: the file that the trainee will write; the checkpoint stands beside it.
    ///   - interval: seconds between checkpoints.
    ///   - log: a file for a line of JSON for every tenth step; nil for none.
    init(_ trainee: any Trainee, output: String, checkpointEvery interval: Double, log: String?) {
        self.trainee = trainee
        self.interval = interval
        checkpoint = TrainingCheckpoint(path: output + ".resume")
        logPath = log
    }

    /// Trains to the end.
    /// - Parameter resuming: whether to go on from the checkpoint, where there is one.
    /// - Throws: `Failure(.data)` when a stream ends before; what was reached is kept for `--resume`. `ExitCode` when a
    ///   signal has stopped it.
    func go(resuming: Bool) throws {
        Console.note("settings \(trainee.settings.text)")
        Termination.install()
        if resuming { try resume() }
        try trainee.begin()
        let log = try logPath.map { try TrainingLog(path: $0, keepingUpTo: trainee.step) }
        let progress = Progress(
            total: trainee.steps * trainee.batch, doneBefore: trainee.samples, unit: trainee.unit)
        var lastSaved = Progress.now()
        while !trainee.isOver && trainee.step < trainee.steps {
            guard try trainee.feed() else { throw try endedEarly() }
            let isLast = trainee.step + 1 == trainee.steps
            // Reading a loss waits for the step; every so many steps is enough for people and logs. What is about to be
            // saved has to be read as well, so that no checkpoint holds a network that is lost.
            let isLogged = isLast || trainee.step % 10 == 0
            let isSaved = !isLast && Progress.now() - lastSaved >= interval
            let isRead = try trainee.train(reading: isLogged || isSaved || Termination.requested)
            if isLogged || trainee.isOver { try log?.write(entry) }
            progress.advance(by: trainee.batch, extra: trainee.report)
            if isRead && Termination.requested && !trainee.isOver {
                try save()
                progress.finish()
                Console.inform("stopped after \(progressText); --resume goes on")
                throw ExitCode(Termination.exitStatus)
            }
            if isSaved {
                try save()
                lastSaved = Progress.now()
            }
        }
        let conclusion = try trainee.finish()
        checkpoint.remove()
        progress.finish(extra: trainee.report)
        if let warning = conclusion.warning { warn(warning) }
        Console.inform(conclusion.message)
    }

    private var entry: JSONValue {
        var entry: JSONObject = [
            "step": .integer(Int64(trainee.step)), "samples": .integer(Int64(trainee.samples)),
        ]
        for (key, value) in trainee.logEntry.members { entry[key] = value }
        return .object(entry)
    }

    private var progressText: String { "\(trainee.step) of \(trainee.steps) steps" }

    private func resume() throws {
        guard let saved = try checkpoint.load(for: trainee.settings) else { return }
        for _ in 0..<saved.step {
            guard try trainee.skip() else { throw checkpoint.differentStream }
        }
        guard trainee.streamHashes == saved.streamHashes else { throw checkpoint.differentStream }
        try trainee.restore(saved.tensors, step: saved.step, side: saved.side)
        Console.inform("resuming after \(progressText)")
    }

    private func save() throws {
        try checkpoint.save(
            TrainingCheckpoint.Content(
                settings: trainee.settings, step: trainee.step, streamHashes: trainee.streamHashes,
                side: trainee.side, tensors: trainee.state()))
    }

    private func endedEarly() throws -> Failure {
        guard trainee.step > 0 else { return trainee.shortage }
        try save()
        let (reached, wanted) = (trainee.samples, trainee.steps * trainee.batch)
        return Failure(
            .data, "\(trainee.endedStream) ended after \(reached) of \(wanted) \(trainee.unit)",
            "give a longer one and --resume, which goes on from \(checkpoint.path), or give -n \(reached)")
    }
}
