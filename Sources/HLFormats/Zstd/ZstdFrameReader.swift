import CZstd
import HLTensor

/// Reads frame after frame from a source, skippable frames left out.
///
/// A frame is returned as soon as its last byte has arrived; the source is never asked for more while a whole frame is
/// there. Memory grows with the bytes that really come out, not with what a frame claims to hold.
package final class ZstdFrameReader {
    /// The largest content of a frame, in bytes.
    package static let maximumContentSize = 1 << 31
    /// The largest window that a frame may ask for, as a power of 2: that of the largest content. Decoders stop at 2^27
    /// unless they are told otherwise, and who writes through a pipe in "long" mode goes beyond it.
    package static let maximumWindowLog: Int32 = 31

    private let source: any ByteSource
    private let context: OpaquePointer
    private let input: HostBuffer
    private var start = 0
    private var end = 0
    private var isFirst = true
    /// Claims up to this size are believed at once: 16 MiB, or what an earlier frame has really held.
    private var trustedSize = 1 << 24
    /// Compressed bytes taken so far, skippable frames included.
    package private(set) var consumed = 0

    package init(source: any ByteSource, bufferSize: Int = 1 << 20) throws {
        guard let context = ZSTD_createDCtx() else {
            throw Memory.failure(for: "decompression")
        }
        let code = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.maximumWindowLog)
        guard ZSTD_isError(code) == 0 else {
            ZSTD_freeDCtx(context)
            throw Failure(
                .software, "zstd refuses its own windows (\(String(cString: ZSTD_getErrorName(code))))",
                "report this defect")
        }
        self.source = source
        self.context = context
        input = HostBuffer(count: max(bufferSize, 64))
    }

    deinit { ZSTD_freeDCtx(context) }

    /// The content of the next frame, `nil` at the end of the source.
    /// - Throws: `ZstdProblem`, or what the source throws.
    package func next() throws -> HostBuffer? {
        guard let header = try nextHeader() else { return nil }
        return try content(header, upTo: .max)
    }

    /// The first `count` bytes of the next frame's content, or all of them if it has less, and its size as the frame
    /// tells it. The reader cannot be used any more afterwards.
    package func peek(_ count: Int) throws -> (content: HostBuffer, header: ZstdFrameHeader)? {
        guard let header = try nextHeader() else { return nil }
        return (try content(header, upTo: count), header)
    }

    // MARK: Input

    private var available: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: input.bytes[start..<end]) }

    private func consume(_ count: Int) {
        start += count
        consumed += count
    }

    /// Waits until `count` bytes are there, at most 64.
    /// - Returns: false if the source ends before.
    private func need(_ count: Int) throws -> Bool {
        while end - start < count { if try !fill() { return false } }
        return true
    }

    private func fill() throws -> Bool {
        if start == end {
            start = 0
            end = 0
        } else if end == input.count {
            input.pointer.copyMemory(from: input.pointer + start, byteCount: end - start)
            end -= start
            start = 0
        }
        let count = try source.read(into: .init(rebasing: input.bytes[end...]))
        end += count
        return count > 0
    }

    // MARK: Frames

    /// Skips to the next frame with content, which then begins at `start`; `nil` at the end of the source.
    private func nextHeader() throws -> ZstdFrameHeader? {
        while true {
            guard try need(4) else {
                if end == start { return nil }
                // Fewer than four bytes: the beginning of a frame, or something else altogether.
                let magic = withUnsafeBytes(of: ZstdFrameHeader.magic.littleEndian, Array.init)
                throw isFirst && !available.elementsEqual(magic.prefix(end - start))
                    ? ZstdProblem.foreign(Array(available)) : .truncated
            }
            let magic = UInt32(littleEndian: available.loadUnaligned(as: UInt32.self))
            if ZstdFrameHeader.isSkippable(magic) {
                isFirst = false
                try skip()
            } else if magic == ZstdFrameHeader.magic {
                isFirst = false
                guard try need(5), try need(ZstdFrameHeader.size(descriptor: available[4])) else {
                    throw ZstdProblem.truncated
                }
                return ZstdFrameHeader(available)
            } else {
                throw isFirst
                    ? ZstdProblem.foreign(Array(available.prefix(FileForm.length)))
                    : .damaged("no record where one begins")
            }
        }
    }

    private func skip() throws {
        guard try need(8) else { throw ZstdProblem.truncated }
        var rest = 8 + Int(UInt32(littleEndian: available.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        while rest > 0 {
            if start == end, try !fill() { throw ZstdProblem.truncated }
            let count = min(rest, end - start)
            consume(count)
            rest -= count
        }
    }

    private func content(_ header: ZstdFrameHeader, upTo count: Int) throws -> HostBuffer {
        guard header.hasChecksum else {
            throw ZstdProblem.refused(
                "a record without a checksum",
                remedy: "switch checksums on where it is written, as by write_checksum=True of Python's zstandard")
        }
        let claimed = header.contentSize
        // The decoder asks for it before the first byte. Where there is no limit, what is not filled takes nothing.
        let window = min(header.windowSize, claimed ?? .max)
        if window > 1 << 27, window <= 1 << Self.maximumWindowLog, (try? Memory.require(Int(window), for: "")) == nil {
            throw ZstdProblem.windowBeyondMemory(window)
        }
        guard claimed ?? 0 <= UInt64(Self.maximumContentSize) else { throw ZstdProblem.tooLarge }
        let limit = min(claimed.map { Int($0) } ?? Self.maximumContentSize, count)
        var buffer = try room(min(limit, claimed == nil ? 1 << 18 : trustedSize))
        var filled = 0
        while true {
            var source = ZSTD_inBuffer(src: input.pointer, size: end, pos: start)
            var target = ZSTD_outBuffer(dst: buffer.pointer, size: buffer.count, pos: filled)
            let code = ZSTD_decompressStream(context, &target, &source)
            if ZSTD_isError(code) != 0 { throw Self.problem(code) }
            let isStuck = target.pos == filled && source.pos == start
            consume(source.pos - start)
            filled = target.pos
            if code == 0 { break }
            if filled == buffer.count && filled < limit {
                let larger = try room(min(limit, max(filled * 2, 1 << 18)))
                larger.pointer.copyMemory(from: buffer.pointer, byteCount: filled)
                buffer = larger
            } else if filled == limit && count <= limit {
                break
            } else if start == end {
                if try !fill() { throw ZstdProblem.truncated }
            } else if isStuck {
                throw claimed == nil ? ZstdProblem.tooLarge : .damaged("a record longer than it says")
            }
        }
        if count == .max, let claimed, filled != Int(claimed) {
            throw ZstdProblem.damaged("a record shorter than it says")
        }
        trustedSize = max(trustedSize, filled)
        return buffer.resized(to: filled, keeping: filled)
    }

    private static func problem(_ code: Int) -> any Error {
        switch ZSTD_getErrorCode(code) {
        case ZSTD_error_memory_allocation: Memory.failure(for: "decompression")
        case ZSTD_error_frameParameter_windowTooLarge:
            ZstdProblem.refused(
                "a record with a window of more than 2 GiB", remedy: "write it with a window log of 31 or less")
        case ZSTD_error_dictionary_wrong:
            ZstdProblem.refused(
                "a record that was compressed with a dictionary", remedy: "write it without one")
        default: ZstdProblem.damaged(String(cString: ZSTD_getErrorName(code)))
        }
    }

    private func room(_ count: Int) throws(Failure) -> HostBuffer {
        try Memory.require(count, for: "a record")
        return HostBuffer(count: count)
    }
}
