import Glibc
import HLTensor

/// A regular file that is read at any place, by several threads at a time.
///
/// What is read is copied: a file of any size costs no memory, and a device that fails in the middle ends in a `Failure`
/// where a mapping would end the program.
package final class PositionedFile: Sendable {
    /// For messages.
    package let path: String
    /// Bytes, at the time of opening.
    package let count: Int
    private let descriptor: Int32

    /// - Throws: `Failure` (noInput) for what is missing, cannot be opened, or is no regular file.
    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.noInput, "cannot read \(path) (\(systemError()))", "check the path and its permissions")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(.noInput, "\(path) is not a regular file", "save it to a file first and name that file")
        }
        self.path = path
        self.descriptor = descriptor
        count = Int(status.st_size)
    }

    /// What a .gz file unfolds to, in a file that nobody else sees and that goes with this.
    /// - Parameter limit: the most bytes that it may have.
    /// - Throws: `Failure`: noInput for a file that cannot be opened, data for one that is damaged or unfolds to more,
    ///   cannotCreate and inputOutput where there is no room for it.
    package init(inflating path: String, atMost limit: Int) throws {
        let source = try InflateSource(MappedFile(path: path).bytes, .gzip, name: path)
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/hl-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw Failure(
                .cannotCreate, "cannot make a file in \(folder) (\(systemError()))", "set TMPDIR to a folder with room")
        }
        unlink(template)
        do {
            count = try Self.unfold(source, to: descriptor, atMost: limit, name: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    private static func unfold(
        _ source: InflateSource, to descriptor: Int32, atMost limit: Int, name: String
    ) throws -> Int {
        let buffer = HostBuffer(count: 1 << 18)
        var total = 0
        while case let part = try source.read(into: buffer.bytes), part > 0 {
            total += part
            guard total <= limit else {
                throw Failure(.data, "\(name) unfolds to more than \(limit) bytes", "unpack it by hand")
            }
            var written = 0
            while written < part {
                let result = write(descriptor, buffer.pointer + written, part - written)
                if result < 0 && errno == EINTR { continue }
                guard result > 0 else {
                    throw Failure(
                        .inputOutput, "cannot unfold \(name) (\(systemError()))", "set TMPDIR to a folder with room")
                }
                written += result
            }
        }
        return total
    }

    deinit { close(descriptor) }

    /// The whole file.
    package var section: FileSection { FileSection(file: self, offset: 0, count: count, name: path) }

    /// Fills `buffer` with the bytes from `offset` on.
    /// - Throws: `Failure`: data where the file ends before, inputOutput where it cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + filled, min(buffer.count - filled, 1 << 30), off_t(offset + filled))
            if count == 0 { throw Failure(.data, "\(path) has become shorter while it was read", "copy it again") }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw Failure(.inputOutput, "cannot read \(path) (\(systemError()))", "check the device")
            }
        }
    }
}

/// Bytes of a file that are read when they are asked for: a member of an archive, a record of a database.
package struct FileSection: Sendable {
    let file: PositionedFile
    /// Where in the file the bytes begin.
    let offset: Int
    package let count: Int
    /// For messages: the path, and what the section is within the file.
    package let name: String

    init(file: PositionedFile, offset: Int, count: Int, name: String) {
        precondition(offset >= 0 && count >= 0 && offset <= file.count && count <= file.count - offset)
        self.file = file
        self.offset = offset
        self.count = count
        self.name = name
    }

    /// `count` bytes of this section, or nil where they do not lie within it.
    func section(at offset: Int, count: Int, name: String) -> FileSection? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        return FileSection(file: file, offset: self.offset + offset, count: count, name: name)
    }

    /// Fills `buffer` with the bytes from `offset` of this section on, which has to have them.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        precondition(offset >= 0 && offset <= count && buffer.count <= count - offset)
        try file.read(into: buffer, at: self.offset + offset)
    }

    /// All bytes.
    /// - Parameter limit: the most that is taken into memory.
    /// - Throws: `Failure`: data for more than the limit, inputOutput where the file cannot be read.
    package func read(limit: Int = 1 << 30) throws -> HostBuffer {
        guard count <= limit else {
            throw Failure(.data, "\(name) has \(count) bytes, more than \(limit)", "leave it out")
        }
        let buffer = HostBuffer(count: count)
        try read(into: buffer.bytes, at: 0)
        return buffer
    }

    /// At most so many of the first bytes.
    package func beginning(_ most: Int) throws -> HostBuffer {
        let buffer = HostBuffer(count: min(most, count))
        try read(into: buffer.bytes, at: 0)
        return buffer
    }
}
