import CZstd
import HLTensor

/// Decompresses whole frames that lie in memory, one after the other, without making anything anew for each.
final class ZstdFrameDecoder: @unchecked Sendable {
    // Unchecked: one thread at a time has it.
    private let context: OpaquePointer

    init() throws {
        guard let context = ZSTD_createDCtx() else { throw Memory.failure(for: "decompression") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Claims of more are left to `ZstdFrameReader`, whose memory grows with what really comes out.
    static let maximumContentSize: UInt64 = 1 << 26

    /// The content of the only frame in `bytes`; nil for a frame that is not simple: without a size or a checksum, with
    /// much content, or with anything before or behind it.
    /// - Throws: `ZstdProblem` for a frame that is damaged.
    func content(of bytes: UnsafeRawBufferPointer) throws -> HostBuffer? {
        guard bytes.count >= 18, bytes.loadUnaligned(as: UInt32.self).littleEndian == ZstdFrameHeader.magic else {
            return nil
        }
        let header = ZstdFrameHeader(bytes)
        guard header.hasChecksum, let size = header.contentSize, size <= Self.maximumContentSize,
            ZSTD_findFrameCompressedSize(bytes.baseAddress, bytes.count) == bytes.count
        else { return nil }
        let buffer = HostBuffer(count: Int(size))
        let code = ZSTD_decompressDCtx(context, buffer.pointer, buffer.count, bytes.baseAddress, bytes.count)
        if ZSTD_isError(code) != 0 {
            if ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation { throw Memory.failure(for: "decompression") }
            throw ZstdProblem.damaged(String(cString: ZSTD_getErrorName(code)))
        }
        guard code == buffer.count else { throw ZstdProblem.damaged("a record shorter than it says") }
        return buffer
    }
}
