import Glibc
import HLTensor

/// A page of a tree: a header of 16 bytes, the offsets of the nodes, free space, the nodes.
struct LMDBPage {
    enum Kind { case branch, leaf }

    /// A record in a leaf.
    struct Node {
        /// Where the key begins in the page, and its bytes.
        let key: Int
        let keySize: Int
        /// Where the value begins in the page, or the number of its own first page.
        let data: Int
        /// Bytes of the value.
        let size: Int
        let isBig: Bool
    }

    let kind: Kind
    /// How many nodes there are.
    let count: Int
    /// Where the page begins in the file.
    let start: Int
    private let bytes: ByteSlice
    private let upper: Int
    private let meta: LMDBMeta

    private static let headerSize = 16
    private static let nodeHeaderSize = 8
    /// Bits of the flags that say what a page is: branch, leaf, overflow, meta, leaf of fixed size, page within a page.
    private static let kinds: UInt16 = 0x6F
    private static let overflow: UInt16 = 4

    /// - Throws: `Failure`: data for a number beyond the file or a page of another kind, inputOutput.
    init(number: Int, _ meta: LMDBMeta, _ file: PositionedFile) throws {
        let bytes = try Self.contents(number, meta.pageSize, meta, file)
        switch (bytes.integer(at: 10, as: UInt16.self) ?? 0) & Self.kinds {
        case 1: kind = .branch
        case 2: kind = .leaf
        default: throw meta.damaged("page \(number) belongs to no tree of records")
        }
        let lower = Int(bytes.integer(at: 12, as: UInt16.self) ?? 0)
        let upper = Int(bytes.integer(at: 14, as: UInt16.self) ?? 0)
        guard lower >= Self.headerSize, lower % 2 == 0, lower <= upper, upper <= meta.pageSize else {
            throw meta.damaged("page \(number) has impossible bounds")
        }
        count = (lower - Self.headerSize) / 2
        start = number * meta.pageSize
        self.bytes = bytes
        self.upper = upper
        self.meta = meta
    }

    /// Where in the file the value of a record begins that has pages of its own; all of it is within the file.
    /// - Throws: `Failure` (data, inputOutput).
    func overflow(of node: Node, in file: PositionedFile) throws -> Int {
        guard let number = integer(at: node.data, as: UInt64.self).flatMap(Int.init(exactly:)) else { throw outside }
        let header = try Self.contents(number, Self.headerSize, meta, file)
        let pages = Int(header.integer(at: 12, as: UInt32.self) ?? 0)
        guard (header.integer(at: 10, as: UInt16.self) ?? 0) & Self.kinds == Self.overflow,
            pages <= meta.pageCount - number, node.size <= pages * meta.pageSize - Self.headerSize
        else { throw meta.damaged("a record's pages are not its own") }
        return number * meta.pageSize + Self.headerSize
    }

    /// The first bytes of page `number`, which is checked to be that page.
    private static func contents(
        _ number: Int, _ count: Int, _ meta: LMDBMeta, _ file: PositionedFile
    ) throws -> ByteSlice {
        // Pages 0 and 1 are the meta pages.
        guard number >= 2, number < meta.pageCount else { throw meta.damaged("page \(number) does not exist") }
        let buffer = HostBuffer(count: count)
        try file.read(into: buffer.bytes, at: number * meta.pageSize)
        let bytes = ByteSlice(owner: buffer, start: UnsafeRawPointer(buffer.pointer), count: count)
        guard bytes.integer(at: 0, as: UInt64.self) == UInt64(number) else {
            throw meta.damaged("page \(number) says that it is another")
        }
        return bytes
    }

    /// The child of a branch at a position < ``count``.
    func child(_ position: Int) throws -> Int {
        let offset = try nodeOffset(position)
        guard let low = bytes.integer(at: offset, as: UInt32.self), let high = integer(at: offset + 4, as: UInt16.self)
        else { throw outside }
        return Int(high) << 32 | Int(low)
    }

    /// The record of a leaf at a position < ``count``; key and value, or the number of its pages, lie within the page.
    func node(_ position: Int) throws -> Node {
        let offset = try nodeOffset(position)
        guard let size = integer(at: offset, as: UInt32.self), let flags = integer(at: offset + 4, as: UInt16.self),
            let keySize = integer(at: offset + 6, as: UInt16.self)
        else { throw outside }
        guard flags & 0x06 == 0 else {
            throw Failure(
                .data, "\(meta.path) keeps its records in named databases, or several under one key",
                "copy them into the main database of another")
        }
        let isBig = flags & 1 != 0, key = offset + Self.nodeHeaderSize
        let data = key + Int(keySize)
        guard keySize > 0, data + (isBig ? 8 : Int(size)) <= bytes.count else { throw outside }
        return Node(key: key, keySize: Int(keySize), data: data, size: Int(size), isBig: isBig)
    }

    /// The bytes of a record's key.
    func key(_ node: Node) -> [UInt8] {
        bytes.withUnsafeBytes { Array($0[node.key..<node.key + node.keySize]) }
    }

    /// Whether the key of one record is below that of another page's, as liblmdb compares them: byte by byte, the
    /// shorter one first.
    static func precedes(_ left: LMDBPage, _ leftNode: Node, _ right: LMDBPage, _ rightNode: Node) -> Bool {
        left.bytes.withUnsafeBytes { leftBytes in
            right.bytes.withUnsafeBytes { rightBytes in
                let common = min(leftNode.keySize, rightNode.keySize)
                guard let one = leftBytes.baseAddress, let other = rightBytes.baseAddress else { return false }
                let order = memcmp(one + leftNode.key, other + rightNode.key, common)
                return order < 0 || order == 0 && leftNode.keySize < rightNode.keySize
            }
        }
    }

    private func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value? {
        bytes.integer(at: offset, as: type)
    }

    private func nodeOffset(_ position: Int) throws -> Int {
        precondition((0..<count).contains(position))
        guard let offset = integer(at: Self.headerSize + 2 * position, as: UInt16.self), offset >= upper else {
            throw outside
        }
        return Int(offset)
    }

    private var outside: Failure { meta.damaged("a record of page \(start / meta.pageSize) lies outside of it") }
}
