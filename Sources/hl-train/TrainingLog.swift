import HLEncoders
import HLFormats
import HLTensor
import Glibc

/// Losses over time, one JSON object per line, appended so that a resumed run goes on in the same file.
final class TrainingLog {
    private let file: UnsafeMutablePointer<FILE>
    private let path: String

    init(path: String) throws {
        guard let file = fopen(path, "a") else {
            throw Failure(.cannotCreate, "cannot write \(path) (\(String(cString: strerror(errno))))", "give another --log")
        }
        self.file = file
        self.path = path
    }

    deinit { fclose(file) }

    func write(step: Int, samples: Int, _ report: EncoderTrainer.Report) throws {
        try write([
            "step": .integer(Int64(step)), "samples": .integer(Int64(samples)), "loss": .number(report.loss),
            "spread": .number(report.spread), "learning_rate": .number(Double(report.rate)),
        ])
    }

    func write(_ entry: JSONValue) throws {
        guard fputs(entry.text + "\n", file) >= 0, fflush(file) == 0 else {
            throw Failure(.inputOutput, "cannot write \(path) (\(String(cString: strerror(errno))))", "free some space")
        }
    }
}
