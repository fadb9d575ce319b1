import Glibc
import HLTensor

/// The reader of our pipe has gone. No failure: a program that meets it ends silently with status 0.
///
/// It is seen only where SIGPIPE is ignored.
package struct BrokenPipe: Error, Sendable {
    package init() {}
}

/// Where bytes go.
package protocol ByteSink: AnyObject {
    /// Writes all of `bytes`.
    /// - Throws: `BrokenPipe`, or `Failure` (inputOutput).
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// A pipe or standard output.
package final class FileDescriptorSink: ByteSink {
    package let name: String
    private let descriptor: Int32
    private var isOpen = true

    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        enlargePipe(descriptor)
    }

    /// Standard output for binary data.
    /// - Throws: `Failure` (usage) if it is a terminal.
    package static func standardOutput() throws -> FileDescriptorSink {
        if isatty(STDOUT_FILENO) == 1 {
            throw Failure(
                .usage, "stdout is a terminal",
                "redirect it: ... > FILE.hls, pipe it into another program or use -o FILE")
        }
        return FileDescriptorSink(descriptor: STDOUT_FILENO, name: "stdout")
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try WaitClock.timeWrite { try writeAll(bytes, to: descriptor, name: name) }
    }

    /// Closes the descriptor and reports what the system held back until then. Does nothing the second time.
    package func close() throws {
        guard isOpen else { return }
        isOpen = false
        if Glibc.close(descriptor) != 0 && errno != EINTR { throw writeFailure(name) }
    }
}

/// Keeps what is written.
package final class MemorySink: ByteSink {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
}

package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, name: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest)
        let count = Glibc.write(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
            waitUntilReady(descriptor, POLLOUT)
        } else if errno == EPIPE {
            throw BrokenPipe()
        } else if errno != EINTR {
            throw writeFailure(name)
        }
    }
}

func writeFailure(_ name: String) -> Failure {
    let remedy =
        switch errno {
        case ENOSPC, EDQUOT: "free some space or write elsewhere"
        case EFBIG: "write fewer samples or lift the limit on file sizes"
        default: "check the device or write elsewhere"
        }
    return Failure(.inputOutput, "cannot write \(name) (\(systemError()))", remedy)
}
