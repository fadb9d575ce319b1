import HLFormats

/// Names of files, some millions of them, in one block of bytes.
struct NameTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where each name ends.
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func append(_ name: SystemPath) {
        bytes += name.bytes
        ends.append(bytes.count)
    }

    subscript(index: Int) -> SystemPath {
        SystemPath(bytes: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }
}
