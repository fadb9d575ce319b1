import Glibc
import HLFormats
import HLTensor

/// Losses over time, one JSON object per line. A resumed run goes on in the same file, behind the step that it resumes from.
final class TrainingLog {
    private let file: UnsafeMutablePointer<FILE>
    private let path: String

    /// - Parameter step: the last step whose lines are kept; 0 begins anew.
    /// - Throws: `Failure`: cannotCreate, or data for a file that is no such log.
    init(path: String, keepingUpTo step: Int) throws {
        let kept = step > 0 ? try Self.lines(of: path, upTo: step) : []
        guard let file = fopen(path, "w") else {
            throw Failure(
                .cannotCreate, "cannot write \(path) (\(String(cString: strerror(errno))))", "give another --log")
        }
        self.file = file
        self.path = path
        for line in kept { try write(line) }
    }

    deinit { fclose(file) }

    /// Lines of steps that a run, killed before its next checkpoint, did and is about to do again are left out.
    private static func lines(of path: String, upTo step: Int) throws -> [JSONValue] {
        var status = stat()
        // A pipe or terminal has no lines to go on from.
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        let file = try FileDescriptorSource(path: path).readAll()
        let text = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
        // A last line without its end was cut off as it was written.
        return try text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1).map {
            try JSONValue(parsing: String($0), name: path)
        }.filter { ($0["step"]?.integer ?? .max) <= step }
    }

    /// - Throws: `Failure`: data for a value that is no number, as of a training that has diverged, or inputOutput.
    func write(_ entry: JSONValue) throws {
        guard entry.isFinite else {
            throw Failure(
                .data, "a value for \(path) is not a number: the training has diverged", "lower the learning rate")
        }
        guard fputs(entry.text + "\n", file) >= 0, fflush(file) == 0 else {
            throw Failure(.inputOutput, "cannot write \(path) (\(String(cString: strerror(errno))))", "free some space")
        }
    }
}
