import HLTensor

/// What one of the two meta pages at the beginning of the file says: the one that was written last.
struct LMDBMeta {
    /// Bytes.
    let pageSize: Int
    /// Pages of the file that are used.
    let pageCount: Int
    /// The root of the main database; nil where it has no records.
    let root: Int?
    /// Levels of the tree.
    let depth: Int
    let entries: Int
    /// For messages.
    let path: String

    /// Where MDB_meta begins in its page, and its bytes.
    private static let start = 16, size = 136
    private static let magic: UInt32 = 0xBEEF_C0DE

    /// - Throws: `Failure` (data).
    init(_ file: PositionedFile) throws {
        path = file.path
        let first = try Self.contents(file, page: 0, pageSize: 0)
        // The free list's pad holds the size of a page.
        let size = Int(first.integer(at: 24, as: UInt32.self) ?? 0)
        guard (512...32_768).contains(size), size & (size - 1) == 0 else {
            throw Self.damaged(path, "its pages have \(size) bytes")
        }
        let second = try Self.contents(file, page: 1, pageSize: size)
        func transaction(_ meta: ByteSlice) -> UInt64 { meta.integer(at: 128, as: UInt64.self) ?? 0 }
        let meta = transaction(second) > transaction(first) ? second : first
        func number(at offset: Int) throws -> Int {
            guard let value = meta.integer(at: offset, as: UInt64.self), let number = Int(exactly: value) else {
                throw Self.damaged(file.path, "a number of its meta page is impossible")
            }
            return number
        }
        let last = try number(at: 120)
        guard last >= 1, last < file.count / size else {
            throw Failure(.data, "\(path) is cut off: its pages go to number \(last)", "fetch or copy it again")
        }
        let flags = meta.integer(at: 76, as: UInt16.self) ?? 0
        guard flags & 0x7E == 0 else {
            throw Failure(
                .data, "\(path) keeps its records in another order, or several under one key (flags \(flags))",
                "copy them into a database without flags")
        }
        pageSize = size
        pageCount = last + 1
        depth = Int(meta.integer(at: 78, as: UInt16.self) ?? 0)
        entries = try number(at: 104)
        if meta.integer(at: 112, as: UInt64.self) == .max {
            root = nil
            guard entries == 0 else { throw Self.damaged(path, "its records have no root") }
        } else {
            root = try number(at: 112)
            // liblmdb's cursors have 32 levels.
            guard (1...32).contains(depth) else { throw Self.damaged(path, "its tree has \(depth) levels") }
        }
    }

    private static func contents(_ file: PositionedFile, page: Int, pageSize: Int) throws -> ByteSlice {
        let foreign = Failure(
            .data, "\(file.path) is not an LMDB database that 64-bit machines write", "name its folder or its data.mdb")
        guard file.count > 0 else { throw Failure(.data, "\(file.path) is empty", "fetch or copy it again") }
        let offset = page * pageSize + start
        guard file.count >= offset + size else { throw foreign }
        let buffer = HostBuffer(count: size)
        try file.read(into: buffer.bytes, at: offset)
        let meta = ByteSlice(owner: buffer, start: UnsafeRawPointer(buffer.pointer), count: size)
        guard meta.integer(at: 0, as: UInt32.self) == magic else {
            throw page == 0 ? foreign : damaged(file.path, "its second meta page is missing")
        }
        let version = meta.integer(at: 4, as: UInt32.self) ?? 0
        guard version == 1 else {
            throw Failure(
                .data, "\(file.path) has LMDB's data version \(version)", "copy it with mdb_copy of LMDB 0.9")
        }
        return meta
    }

    func damaged(_ what: String) -> Failure { Self.damaged(path, what) }

    private static func damaged(_ path: String, _ what: String) -> Failure {
        Failure(.data, "\(path) is a damaged LMDB database (\(what))", "fetch or copy it again")
    }
}
