import HLTensor

/// What reading one file may still use up, far above what lists of data sets need.
struct MatBudget {
    /// Bytes out of compressed elements, all together.
    private var inflatedBytes: Int
    /// Arrays, cells and fields.
    private var values = 2_000_000

    init(inflatedBytes: Int) { self.inflatedBytes = inflatedBytes }

    mutating func spend(_ count: Int) throws {
        guard count <= values else {
            throw Failure(
                .data, "it has more cells and fields than any list", "it is damaged or hostile; do not use it")
        }
        values -= count
    }

    mutating func inflated(_ bytes: ByteSlice) throws -> ByteSlice {
        let buffer = try InflateSource(bytes, .zlib, name: "the MAT-file").readAll(limit: inflatedBytes)
        inflatedBytes -= buffer.count
        return ByteSlice(owner: buffer, start: UnsafeRawPointer(buffer.pointer), count: buffer.count)
    }
}
