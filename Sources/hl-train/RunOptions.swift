import ArgumentParser
import HLCommand
import HLCompute
import HLTensor

/// Options of trainings that can be stopped and resumed.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Library for the layers. (\(BackendChoice.list))", valueName: "name"))
    var backend = BackendChoice.automatic

    @Flag(help: "Go on where a run with these settings and this stream was stopped.")
    var resume = false

    @Option(
        help: ArgumentHelp(
            "Seconds between the checkpoints from which --resume goes on. (number from 0; 0 makes one after every step)",
            valueName: "s"))
    var checkpointEvery = 60.0

    @Option(
        help: ArgumentHelp("File that gets a line of JSON for every tenth step. (path)", valueName: "file"),
        completion: .file())
    var log: String?

    /// - Parameter threads: threads in all, 0 for one per core.
    func makeBackend(threads: Int) throws -> any Backend {
        let backend = try backend.make(threads: threads)
        Console.note("\(backend.summary)")
        return backend
    }

    func validate() throws {
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
