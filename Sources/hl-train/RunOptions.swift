import ArgumentParser
import Glibc
import HLCommand
import HLCompute
import HLFormats
import HLTensor

/// Options of trainings that can be stopped and resumed.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Library for the layers. (\(BackendChoice.list))", valueName: "name"))
    var backend = BackendChoice.automatic

    @OptionGroup var computing: PrecisionOption

    @Flag(help: "Go on where a run with these settings and this stream was stopped.")
    var resume = false

    @Flag(help: "Begin anew although a stopped run has left a checkpoint, which is lost then.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "Seconds between the checkpoints from which --resume goes on. (number from 0; 0 makes one after every step)",
            valueName: "s"))
    var checkpointEvery = 60.0

    @Option(
        help: ArgumentHelp(
            "File that gets a line of JSON for every tenth step, or, where its name ends in .csv, a row of a table; - is "
                + "standard output. (path)", valueName: "file"),
        completion: .file())
    var log: String?

    @Option(
        help: ArgumentHelp(
            "Folder that gets a file of TensorBoard's with the same values. (path)", valueName: "folder"),
        completion: .directory)
    var tensorboard: String?

    @Option(
        help: ArgumentHelp(
            "Condition on a value of --log that ends the training as if it had all its samples, such as 'eval_knn>=80'. "
                + "(name, one of >= <= > <, number)", valueName: "rule"))
    var stopWhen: StopCondition?

    @OptionGroup(title: "Record and cost") var recording: RecordOptions

    /// - Parameter threads: threads in all, 0 for one per core.
    func makeBackend(threads: Int) throws -> any Backend {
        let backend = try BackendOnDemand(backend, threads: threads)()
        Console.note("\(backend.summary)")
        return backend
    }

    /// Finds out before the work whether the output can be written, and keeps what a stopped run has left and what is
    /// read.
    /// - Parameter inputs: the files that the training reads.
    /// - Throws: `Failure`: cannotCreate, or usage for an output or a log in the place of another file.
    func checkOutput(_ output: String, inputs: [String]) throws {
        try OutputFile.check(path: output)
        let checkpoint = TrainingCheckpoint(output: output)
        let others = inputs + [output, checkpoint.path] + [recording.record, recording.emissions].compactMap { $0 }
        if let other = inputs.first(where: { areOneFile(output, $0) }) {
            throw refuse("the output would be written over \(other), which is read", "give another -o")
        }
        if let log, let other = others.first(where: { areOneFile(log, $0) }) {
            throw refuse("the log would be written over \(other)", "give another --log")
        }
        if !resume && !force && checkpoint.exists {
            throw Failure(
                .cannotCreate, "\(checkpoint.path) holds a run that was stopped",
                "give --resume to go on with it, another -o, or --force to lose it and begin anew")
        }
    }

    func validate() throws {
        try check(!(resume && force), "--force begins anew and --resume goes on", "give one of them")
        try check(
            checkpointEvery >= 0, "checkpoints every \(checkpointEvery) s are out of range",
            "give --checkpoint-every from 0")
    }
}

/// - Throws: `Failure(.usage)` for a number that is given and is not above 0 and finite.
func checkPositive(_ value: Float?, _ name: String, _ option: String) throws {
    if let value {
        try check(value > 0 && value.isFinite, "\(name) \(value) is out of range", "give \(option) above 0")
    }
}
