import CZstd
import HLTensor

/// Compresses one frame after the other, each with content size and checksum.
///
/// `begin`, `append` any number of times, `end`; the pieces need not lie side by side in memory.
package final class ZstdCompressor {
    private let context: OpaquePointer
    private let sink: any ByteSink
    /// Small enough that the reader of a pipe starts while the rest is still being compressed.
    private let output = HostBuffer(count: 1 << 18)
    private var filled = 0
    /// Compressed bytes of the current frame.
    private var written = 0

    /// - Parameter level: zstd's, from -131072 (fastest) to 22.
    package init(level: Int, sink: any ByteSink) throws {
        guard let context = ZSTD_createCCtx() else {
            throw Memory.failure(for: "compression")
        }
        self.context = context
        self.sink = sink
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(clamping: level)))
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1))
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1))
    }

    deinit { ZSTD_freeCCtx(context) }

    /// From the next frame on, contents are as good as stored: compressing and decompressing them is copying.
    package func store() throws {
        try check(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_minCLevel()))
    }

    package func begin(contentSize: Int) throws {
        try check(ZSTD_CCtx_reset(context, ZSTD_reset_session_only))
        try check(ZSTD_CCtx_setPledgedSrcSize(context, UInt64(contentSize)))
        filled = 0
        written = 0
    }

    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while input.pos < input.size { _ = try step(&input, ZSTD_e_continue) }
    }

    /// Completes the frame and passes it on to the last byte.
    /// - Returns: the compressed size of the frame.
    package func end() throws -> Int {
        var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
        while try step(&input, ZSTD_e_end) > 0 {}
        try flush()
        return written
    }

    private func step(_ input: inout ZSTD_inBuffer, _ directive: ZSTD_EndDirective) throws -> Int {
        var target = ZSTD_outBuffer(dst: output.pointer, size: output.count, pos: filled)
        let remaining = try check(ZSTD_compressStream2(context, &target, &input, directive))
        filled = target.pos
        if filled == output.count { try flush() }
        return remaining
    }

    private func flush() throws {
        try sink.write(UnsafeRawBufferPointer(rebasing: output.bytes[..<filled]))
        written += filled
        filled = 0
    }

    @discardableResult
    private func check(_ code: Int) throws -> Int {
        if ZSTD_isError(code) != 0 {
            if ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation { throw Memory.failure(for: "compression") }
            let reason = String(cString: ZSTD_getErrorName(code))
            throw Failure(.software, "cannot compress (\(reason))", "report this defect")
        }
        return code
    }
}
