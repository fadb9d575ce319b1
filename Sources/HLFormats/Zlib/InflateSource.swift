import CZlib
import HLTensor

/// Decompresses zlib's two containers (RFC 1950, RFC 1952), whose checksums are compared.
package final class InflateSource: ByteSource {
    package enum Container {
        case zlib
        /// A .gz file; several members one behind the other are one text, as for gunzip.
        case gzip
    }

    private let bytes: ByteSlice
    private let container: Container
    private let name: String
    private let stream: UnsafeMutablePointer<z_stream>
    /// How many bytes of the input zlib has taken.
    private var position = 0
    private var isDone = false

    /// - Parameter name: what messages call the input.
    package init(_ bytes: ByteSlice, _ container: Container, name: String) throws {
        self.bytes = bytes
        self.container = container
        self.name = name
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard hl_inflate_init(stream, container == .gzip ? 31 : 15) == Z_OK else { throw Memory.failure(for: name) }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    static func isGzip(_ bytes: ByteSlice) -> Bool { bytes.integer(at: 0, as: UInt16.self) == 0x8B1F }

    /// The most that so many compressed bytes can unfold to: deflate gains at most a factor of 1032.
    static func largestSize(of count: Int) -> Int { count.multipliedReportingOverflow(by: 1032).partialValue }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let start = buffer.bindMemory(to: UInt8.self).baseAddress, !isDone else { return 0 }
        let wanted = min(buffer.count, 1 << 30)
        stream.pointee.next_out = start
        stream.pointee.avail_out = UInt32(wanted)
        while stream.pointee.avail_out == UInt32(wanted), !isDone { try step() }
        return wanted - Int(stream.pointee.avail_out)
    }

    private func step() throws {
        let status = bytes.withUnsafeBytes { all in
            let input = all.bindMemory(to: UInt8.self)
            let piece = min(input.count - position, 1 << 30)
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + position })
            stream.pointee.avail_in = UInt32(piece)
            let status = inflate(stream, Z_NO_FLUSH)
            position += piece - Int(stream.pointee.avail_in)
            return status
        }
        switch status {
        case Z_OK: break
        case Z_STREAM_END: try endMember()
        case Z_MEM_ERROR: throw Memory.failure(for: name)
        case Z_BUF_ERROR: throw Failure(.data, "the compressed data in \(name) are cut off", "fetch or copy it again")
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "it needs a dictionary"
            throw Failure(
                .data, "the compressed data in \(name) are damaged (zlib: \(reason))", "fetch or copy it again")
        }
    }

    private func endMember() throws {
        // gunzip takes zeros as padding.
        let rest = bytes.slice(at: position, count: bytes.count - position)
        let isPadding = rest?.withUnsafeBytes { $0.allSatisfy { $0 == 0 } } ?? true
        if isPadding || container == .zlib {
            isDone = true
        } else {
            inflateReset(stream)
        }
    }

    /// Everything up to the end.
    /// - Throws: `Failure` (data) for more than `limit` bytes.
    func readAll(limit: Int) throws -> HostBuffer {
        // One byte more than the limit tells what is longer from what just fits.
        var buffer = HostBuffer(count: min(max(4 * bytes.count, 1 << 12), limit + 1))
        var filled = 0
        while true {
            let count = try read(into: .init(rebasing: buffer.bytes[filled...]))
            if count == 0 { break }
            filled += count
            guard filled <= limit else {
                throw Failure(
                    .data, "the compressed data in \(name) unfold to more than \(limit) bytes",
                    "the file is damaged or hostile; do not use it")
            }
            if filled == buffer.count { buffer = buffer.resized(to: min(filled * 2, limit + 1), keeping: filled) }
        }
        return buffer.resized(to: filled, keeping: filled)
    }
}
