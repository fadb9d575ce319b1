import Glibc
import HLCommand
import HLFormats
import HLTensor

/// The folder of the checkpoints that a training keeps, one beside the other.
struct CheckpointFolder {
    let path: String

    /// - Parameters:
    ///   - path: nil takes the output's name with `.checkpoints` for its ending.
    /// - Throws: `Failure(.cannotCreate)`.
    init(path: String?, output: String) throws {
        let ending = ".safetensors"
        self.path =
            path ?? (output.hasSuffix(ending) ? String(output.dropLast(ending.count)) : output) + ".checkpoints"
        guard mkdir(self.path, 0o777) == 0 || (errno == EEXIST && access(self.path + "/.", W_OK) == 0) else {
            throw Failure(
                .cannotCreate, "cannot make the folder \(self.path) (\(String(cString: strerror(errno))))",
                "give another --checkpoints")
        }
    }

    /// Whether it holds checkpoints already, which those of a new run would stand between.
    private var isUsed: Bool { (try? Directory(path).files.contains { $0.hasEnding([".safetensors"]) }) ?? false }

    /// For a run that begins.
    func warnWhereUsed() {
        if isUsed {
            warn(
                "\(path) holds checkpoints of an earlier run, which are replaced one by one: give another --checkpoints to "
                    + "keep them"
            )
        }
    }

    /// What the files of a checkpoint begin with; it sorts by samples.
    func name(_ samples: Int) -> String {
        let digits = String(samples)
        return "\(path)/\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)"
    }
}
