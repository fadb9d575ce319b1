import Glibc
import HLTensor

/// Where bytes come from.
package protocol ByteSource: AnyObject {
    /// Reads what is there without waiting for more than one byte. Returns how many bytes; 0 only at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// A file, pipe or standard input.
package final class FileDescriptorSource: ByteSource, Sendable {
    /// For messages: the path, or `stdin`.
    package let name: String
    let descriptor: Int32
    private let isOwner: Bool

    package init(descriptor: Int32, name: String, closing: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        isOwner = closing
        enlargePipe(descriptor)
    }

    /// Opens `path`; `-` is standard input.
    /// - Throws: `Failure`: noInput if the file is missing or cannot be read, usage if standard input is a terminal.
    package convenience init(path: String) throws {
        if path == "-" {
            if isatty(STDIN_FILENO) == 1 {
                throw Failure(.usage, "stdin is a terminal", "pipe a stream in or name a file")
            }
            self.init(descriptor: STDIN_FILENO, name: "stdin")
            return
        }
        try self.init(opening: SystemPath(path))
    }

    /// Opens a file whose name need not be text.
    /// - Throws: `Failure(.noInput)` if it is missing or cannot be read.
    package convenience init(opening path: SystemPath) throws {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            throw Failure(
                .noInput, "cannot read \(path.shown) (\(systemError()))", Failure.remedy(forPath: path.shown))
        }
        self.init(descriptor: descriptor, name: path.shown, closing: true)
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(.noInput, "\(path.shown) is a directory", "name a file")
        }
    }

    deinit { if isOwner { close(descriptor) } }

    /// The size of a regular file, `nil` for anything else.
    var fileSize: Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try WaitClock.timeRead {
            try retrying(POLLIN) { Glibc.read(descriptor, buffer.baseAddress, min(buffer.count, 1 << 30)) }
        }
    }

    /// Reads at a place of a regular file without moving the descriptor's own position.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        try retrying(POLLIN) { pread(descriptor, buffer.baseAddress, min(buffer.count, 1 << 30), off_t(offset)) }
    }

    private func retrying(_ event: Int32, _ call: () -> Int) throws -> Int {
        while true {
            let count = call()
            if count >= 0 { return count }
            if errno == EAGAIN {
                waitUntilReady(descriptor, event)
            } else if errno != EINTR {
                throw Failure(.inputOutput, "cannot read \(name) (\(systemError()))", "check the device")
            }
        }
    }

    /// Everything up to the end. Memory grows with what has arrived, not with what a file claims to hold.
    /// - Parameter start: what has been read before, which comes first.
    package func readAll(behind start: some Collection<UInt8> = EmptyCollection()) throws -> HostBuffer {
        // One byte more than the file has lets the end show itself without another buffer.
        var buffer = HostBuffer(count: max(min((fileSize ?? 0) + 1, 1 << 40), start.count))
        buffer.bytes.copyBytes(from: start)
        var filled = start.count
        while true {
            if filled == buffer.count { buffer = buffer.resized(to: max(1 << 16, filled * 2), keeping: filled) }
            let count = try read(into: .init(rebasing: buffer.bytes[filled...]))
            if count == 0 { break }
            filled += count
        }
        return buffer.resized(to: filled, keeping: filled)
    }
}

/// Bytes that are already in memory.
package final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0
    private let piece: Int

    /// - Parameter piece: the most bytes that one read returns, as from a slow pipe.
    package init(_ bytes: [UInt8], piece: Int = .max) {
        self.bytes = bytes
        self.piece = piece
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - position, piece)
        buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

extension HostBuffer {
    /// The bytes while `body` runs; a pointer alone would not keep the buffer alive.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(bytes))
    }

    /// The first `kept` bytes in a buffer of `count`; the buffer itself where nothing changes.
    package func resized(to count: Int, keeping kept: Int) -> HostBuffer {
        if count == self.count { return self }
        let result = HostBuffer(count: count)
        result.pointer.copyMemory(from: pointer, byteCount: kept)
        return result
    }
}

/// The text of `errno`.
func systemError() -> String { String(cString: strerror(errno)) }

/// Sleeps until a non-blocking descriptor, which we may have inherited, is ready.
func waitUntilReady(_ descriptor: Int32, _ event: Int32) {
    var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    _ = poll(&request, 1, -1)
}

/// Fewer wake-ups between programs; does nothing where the descriptor is no pipe or the system says no.
func enlargePipe(_ descriptor: Int32) {
    #if os(Linux)
        let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ
        let saved = errno
        _ = fcntl(descriptor, setPipeSize, Int32(1 << 20))
        errno = saved
    #endif
}
