import Glibc
import HLTensor

/// A regular file mapped read-only into memory until its last owner goes.
///
/// A file that something else shortens while it is mapped ends the program (SIGBUS), as with any mapped file.
package final class MappedFile: @unchecked Sendable {
    // Unchecked: the mapping is never written.

    private let start: UnsafeMutableRawPointer?
    package let count: Int

    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.noInput, "\(path) is not a regular file", "save it to a file first and name that file")
        }
        count = Int(status.st_size)
        guard count > 0 else {
            start = nil
            return
        }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            if errno == ENOMEM { throw Memory.failure(count, for: path) }
            throw Self.failure("map", path)
        }
        if Memory.isShort {
            munmap(address, count)
            throw Memory.failure(count, for: path)
        }
        start = address
    }

    deinit {
        if let start { munmap(start, count) }
    }

    var bytes: ByteSlice {
        guard let start else { return ByteSlice(copying: []) }
        return ByteSlice(owner: self, start: UnsafeRawPointer(start), count: count)
    }

    private static func failure(_ verb: String, _ path: String) -> Failure {
        let reason = String(cString: strerror(errno))
        return Failure(.noInput, "cannot \(verb) \(path), \(reason)", "check the path and its permissions")
    }
}

/// A range of somebody else's bytes, which it keeps alive. Every access is checked; a slice copies nothing.
package struct ByteSlice: @unchecked Sendable {
    // Unchecked: the owner is a `MappedFile` or a filled `HostBuffer`, neither of which is written any more.

    let owner: AnyObject
    /// Bytes of all that the owner holds.
    let total: Int
    private let start: UnsafeRawPointer
    package let count: Int

    /// - Parameter owner: what keeps `count` bytes from `start` on alive and unchanged.
    init(owner: AnyObject, start: UnsafeRawPointer, count: Int, total: Int? = nil) {
        self.owner = owner
        self.start = start
        self.count = count
        self.total = total ?? count
    }

    init(copying bytes: some Collection<UInt8>) {
        let buffer = HostBuffer(count: bytes.count)
        buffer.bytes.copyBytes(from: bytes)
        self.init(owner: buffer, start: UnsafeRawPointer(buffer.pointer), count: buffer.count)
    }

    /// `count` bytes from `offset` on, or nil where they do not lie within this slice.
    func slice(at offset: Int, count: Int) -> ByteSlice? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        return ByteSlice(owner: owner, start: start + offset, count: count, total: total)
    }

    /// The little-endian integer at `offset`, or nil where it does not lie within this slice.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as _: Value.Type) -> Value? {
        guard offset >= 0, offset <= count, MemoryLayout<Value>.size <= count - offset else { return nil }
        return Value(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func firstIndex(of byte: UInt8, from offset: Int) -> Int? {
        guard offset >= 0, offset < count, let found = memchr(start + offset, Int32(byte), count - offset) else {
            return nil
        }
        return UnsafeRawPointer(found) - start
    }

    func text(at offset: Int, count: Int) -> String? {
        guard let part = slice(at: offset, count: count) else { return nil }
        return part.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Lets the pages of a mapped file go that hold these bytes; they are fetched again when they are next read.
    func discard() { advise(MADV_DONTNEED) }

    /// Runs `body`, which reads few of a mapped file's pages, here and there, without fetching those around them.
    func withoutReadingAhead<Result>(_ body: () throws -> Result) rethrows -> Result {
        advise(MADV_RANDOM)
        defer { advise(MADV_NORMAL) }
        return try body()
    }

    private func advise(_ advice: Int32) {
        guard owner is MappedFile, count > 0 else { return }
        let address = Int(bitPattern: start)
        let first = address - address % Int(getpagesize())
        madvise(UnsafeMutableRawPointer(bitPattern: first), address + count - first, advice)
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
