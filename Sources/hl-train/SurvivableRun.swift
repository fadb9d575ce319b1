import ArgumentParser
import HLCommand
import HLCompute
import HLFormats
import HLTensor

/// One run of a training, whatever is trained: feeds it, reports, logs, and survives being stopped.
///
/// A run that was stopped, by whatever signal, and resumed with the same streams ends with the same bits as one that was
/// not, as far as the trainee's `state` holds all that decides them.
///
/// Where several processes train, each runs this loop, and before every step they tell each other how they are. The first
/// one writes.
final class SurvivableRun {
    private let trainee: any Trainee
    private let checkpoint: TrainingCheckpoint
    private let interval: Double
    private let options: RunOptions
    private let output: String
    /// The processes that train with this one; nil where it is alone.
    private let group: ProcessGroup?
    private var lastSaved = Progress.now()
    private var hasComparedShares = false
    /// Steps that the checkpoint holds.
    private var savedSteps = 0

    /// - Parameters:
    ///   - output: the file that the trainee will write; the checkpoint stands beside it.
    ///   - options: how often it is saved, and where it logs.
    ///   - group: the processes that train with this one; nil where it is alone.
    init(
        _ trainee: any Trainee, output: String, _ options: RunOptions, group: ProcessGroup? = nil
    ) {
        self.group = group
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
        try group?.requireSame(settings: trainee.settings, side: trainee.side, weights: try trainee.state())
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
        let recorder = isFirst ? try TrainingRecorder(options, resumingAfter: trainee.step, names: names) : nil
        if isFirst { try beginRecord() }
        try trainee.begin()
        let progress = Progress(
            total: trainee.totalSamples, doneBefore: trainee.samples, unit: trainee.unit)
        lastSaved = Progress.now()
        var stoppedBy: Double?
        while !trainee.isOver && trainee.step < trainee.steps && stoppedBy == nil {
            let isSaved = try feed(progress)
            let isLast = trainee.step + 1 == trainee.steps
            // Reading a loss waits for the step; every so many steps is enough for people and logs. What is about to be
            // saved has to be read as well, so that no checkpoint holds a network that is lost.
            let isLogged = isLast || trainee.step % 10 == 0
            let before = trainee.samples
            // Several ranks read together, and stop together: before a step.
            let isStopping = group == nil && Termination.isRequested
            _ = try trainee.train(reading: isLogged || isSaved || isStopping)
            let isWritten = isLogged || trainee.isOver || trainee.isMilestone
            if isWritten { stoppedBy = rule?.fulfilled(by: entry) }
            // The first rank alone may have judged what is trained, and then it alone knows that this step is written.
            if let group, rule != nil { stoppedBy = group.ofFirst(stoppedBy) }
            if isWritten {
                if stoppedBy != nil { try trainee.measureAtEnd() }
                try recorder?.write(entry, step: trainee.step)
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
        try group?.requireSame(try trainee.state(), after: trainee.step)
        try trainee.collect()
        if let group, !isFirst { return group.leave() }
        let conclusion = try trainee.finish()
        checkpoint.remove()
        group?.leave()
        progress.finish(extra: trainee.report)
        if let warning = conclusion.warning { warn(warning) }
        Console.inform(conclusion.message)
    }

    private var isFirst: Bool { group?.isFirst ?? true }

    // MARK: Several processes

    /// Tells the other ranks how this one is before a step.
    /// - Parameters:
    ///   - fed: whether it has its samples, or why not.
    ///   - hashes: of the streams before.
    /// - Returns: whether the step is to be saved.
    /// - Throws: where one of them cannot go on, once what was reached is saved.
    private func agree(
        _ fed: Result<Bool, any Error>, _ hashes: [UInt64], _ progress: Progress, in group: ProcessGroup
    ) throws -> Bool {
        var word = ProcessGroup.Word(wantsCheckpoint: Progress.now() - lastSaved >= interval)
        switch fed {
        case .success(true): break
        case _ where Termination.isRequested: (word.state, word.detail) = (.interrupted, Termination.signal)
        case .success: (word.state, word.detail) = (.failed, Failure.Kind.data.rawValue)
        case .failure(let error):
            (word.state, word.detail) = (.failed, ((error as? Failure)?.kind ?? .software).rawValue)
        }
        let words = group.tell(word)
        guard words.contains(where: { $0.state != .ready }) else {
            if !hasComparedShares {
                for fed in trainee.fedIDs { try group.requireDifferent(samples: fed.ids, of: fed.stream) }
            }
            hasComparedShares = true
            return words[0].wantsCheckpoint && trainee.step + 1 < trainee.steps
        }
        if let interrupted = words.first(where: { $0.state == .interrupted }) {
            try stop(hashes, progress)
            group.leave()
            throw word.state == .interrupted ? Termination.leave() : ExitCode(128 + interrupted.detail)
        }
        if trainee.step > savedSteps { try save(hashes) }
        let status = words.first { $0.state == .failed }?.detail ?? Failure.Kind.software.rawValue
        let own: any Error =
            switch fed {
            case .success(true): ExitCode(status)
            case .success(false): try endedEarly(hashes)
            case .failure(let error): keeping(hashes, after: error)
            }
        group.leave()
        throw own
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
    /// - Returns: whether the step is to be saved.
    private func feed(_ progress: Progress) throws -> Bool {
        // One of two streams may have been read from when the other one stalls or ends.
        let hashes = trainee.streamHashes
        let fed = Result {
            try Interrupted.check()
            return try trainee.feed()
        }
        if let group { return try agree(fed, hashes, progress, in: group) }
        switch fed {
        case .success(true): break
        case .success: throw try endedEarly(hashes)
        case .failure(let error):
            // Who stops a whole pipeline stops the programs before this one too, and the stream is cut short.
            guard Termination.isRequested else { throw keeping(hashes, after: error) }
            try stop(hashes, progress)
            throw Termination.leave()
        }
        return trainee.step + 1 < trainee.steps && Progress.now() - lastSaved >= interval
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
        let saved = try checkpoint.load(for: trainee.settings)
        if let group, let other = group.other(than: saved.map { UInt64($0.step) } ?? .max) {
            throw group.common(
                Failure(
                    .noInput, "rank \(other) does not find \(checkpoint.path) as rank 0 does",
                    "put it where all machines read it"))
        }
        guard let saved else { return }
        for _ in 0..<saved.step {
            try Interrupted.check()
            guard try trainee.skip() else { throw checkpoint.differentStream }
        }
        guard trainee.streamHashes == ownHashes(of: saved) else { throw checkpoint.differentStream }
        try trainee.restore(saved.tensors, step: saved.step, side: saved.side)
        savedSteps = saved.step
        Console.inform("resuming after \(progressText)")
    }

    /// Those of this rank's streams.
    private func ownHashes(of saved: TrainingCheckpoint.Content) -> [UInt64] {
        let count = trainee.streamHashes.count, start = (group?.rank ?? 0) * count
        guard saved.streamHashes.count == (group?.count ?? 1) * count else { return [] }
        return Array(saved.streamHashes[start..<start + count])
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
        try group?.requireSame(tensors, after: trainee.step)
        let all = group.map { $0.gather(hashes).flatMap { $0 } } ?? hashes
        if isFirst {
            try Termination.whileSaving {
                try checkpoint.save(
                    TrainingCheckpoint.Content(
                        settings: trainee.settings, step: trainee.step, samples: trainee.samples, streamHashes: all,
                        side: trainee.side, tensors: tensors))
            }
        }
        // Nobody leaves, which ends all, before it is there.
        group?.wait()
        savedSteps = trainee.step
    }
}
