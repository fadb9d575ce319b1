import Glibc
import HLCommand
import HLFormats
import HLTensor

/// Losses over time, a line for a step: JSON objects, or, in a file whose name ends in .csv, a table with a line of names
/// first. A resumed run goes on in the same file, behind the step that it resumes from.
final class TrainingLog {
    private let descriptor: Int32
    /// For messages.
    private let name: String
    /// Whether a pipe has been left by its reader.
    private var isForsaken = false
    /// Columns of a table; nil for JSON.
    private let columns: [String]?

    /// - Parameters:
    ///   - path: `-` is standard output. A descriptor that is open already (`/dev/stderr`) is written to where it stands.
    ///   - step: the last step whose lines are kept; 0 begins anew.
    ///   - names: all that entries may have, `step` first.
    /// - Throws: `Failure`: cannotCreate, or data for a file that is no such log.
    init(path: String, keepingUpTo step: Int, names: [String]) throws {
        name = path == "-" ? "stdout" : path
        columns = path.hasSuffix(".csv") ? names : nil
        if let number = path == "-" ? STDOUT_FILENO : HLFormats.descriptor(namedBy: path) {
            descriptor = fcntl(number, F_DUPFD_CLOEXEC, 0)
        } else {
            descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else {
            try Interrupted.check()
            throw Failure(
                .cannotCreate, "cannot write \(name) (\(String(cString: strerror(errno))))", "give another --log")
        }
        var status = stat()
        // A pipe or terminal has no lines to go on from, and what was opened by somebody else is not cut.
        let isFile =
            path != "-" && HLFormats.descriptor(namedBy: path) == nil && fstat(descriptor, &status) == 0
            && status.st_mode & S_IFMT == S_IFREG
        let kept = isFile && step > 0 ? try size(of: path, upTo: step) : 0
        if isFile {
            guard ftruncate(descriptor, off_t(kept)) == 0, lseek(descriptor, off_t(kept), SEEK_SET) >= 0 else {
                throw writingFailure
            }
        }
        if kept == 0, let columns { try send(columns.joined(separator: ",") + "\n") }
    }

    deinit { close(descriptor) }

    /// Bytes of the lines up to a step. Those of steps that a run, killed before its next checkpoint, did and is about to
    /// do again are left out, and so is a last line that was cut off as it was written.
    private func size(of path: String, upTo step: Int) throws -> Int {
        let file = try FileDescriptorSource(path: path).readAll()
        return try file.withBytes { bytes in
            var size = 0
            while let end = bytes[size...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: bytes[size..<end], as: UTF8.self)
                let isHead = size == 0 && columns != nil
                if isHead { try requireColumns(line) }
                guard try isHead || (self.step(of: line).map { $0 <= step } ?? false) else { break }
                size = end + 1
            }
            return size
        }
    }

    private func requireColumns(_ line: String) throws {
        guard line == columns?.joined(separator: ",") else {
            throw Failure(
                .data, "\(name) is no table of this training: it has other columns", "give another --log")
        }
    }

    private func step(of line: String) throws -> Int? {
        guard columns == nil else { return Int(line.prefix { $0 != "," }) }
        return try JSONValue(parsing: line, name: name)["step"]?.integer.map { Int($0) }
    }

    /// Writes a line at once. A training is worth more than its log: one that nobody reads any more is given up, and one
    /// whose reader stalls is not waited for where a signal has come.
    /// - Throws: `Failure`: data for a value that is no number, as of a training that has diverged, or inputOutput.
    func write(_ entry: JSONObject) throws {
        guard JSONValue.object(entry).isFinite else {
            throw Failure(
                .data, "a value for \(name) is not a number: the training has diverged", "lower the learning rate")
        }
        let text = columns?.map { entry[$0].map(Self.cell) ?? "" }.joined(separator: ",")
        try send((text ?? JSONValue.object(entry).text) + "\n")
    }

    /// Lists of numbers have spaces between them, so that no cell needs quotation marks.
    private static func cell(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .array(let values): values.map(cell).joined(separator: " ")
        default: value.text
        }
    }

    private func send(_ text: String) throws {
        let line = Array(text.utf8)
        var sent = 0
        while sent < line.count && !isForsaken {
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if poll(&request, 1, Int32(Interrupted.pause)) <= 0 {
                if Interrupted.isRequested { return }
                continue
            }
            let count = line.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent)
            }
            if count >= 0 {
                sent += count
            } else if errno == EPIPE {
                isForsaken = true
                warn("nobody reads \(name) any more: the log ends here, and the training goes on")
            } else if errno != EINTR && errno != EAGAIN {
                throw writingFailure
            }
        }
    }

    private var writingFailure: Failure {
        Failure(.inputOutput, "cannot write \(name) (\(String(cString: strerror(errno))))", "free some space")
    }
}
