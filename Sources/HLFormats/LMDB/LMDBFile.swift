import Glibc
import HLTensor

/// The records of an LMDB database, in the order of their keys, read by position or by key.
///
/// liblmdb trusts its file: a page number that is wrong is followed out of the mapping. So this reads the B+ tree by
/// itself, every number checked before it is used, and neither maps the file nor takes or makes a lock file. The format
/// is that of `struct MDB_meta`, `MDB_page` and `MDB_node` in liblmdb's `mdb.c`, data version 1 (0.9.x) as 64-bit
/// little-endian machines write it. Opening reads the pages of the tree, not the values that have pages of their own;
/// afterwards there are some 16 bytes of memory a page.
///
/// The database must not be written to meanwhile: published ones are not.
package struct LMDBFile: Sendable {
    /// For messages.
    package let path: String
    /// How many records there are.
    package let count: Int

    private let file: PositionedFile
    private let meta: LMDBMeta
    private let leaves: [LMDBLeafRange]

    /// - Parameter path: the folder that holds `data.mdb`, or the file itself.
    /// - Throws: `Failure`: noInput for what cannot be opened; data for what is damaged, no LMDB, or has its records in
    ///   named databases or several under one key.
    package init(path: String) throws {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        let path = isFolder ? "\(path)/data.mdb" : path
        let file = try PositionedFile(path: path)
        let meta = try LMDBMeta(file)
        let leaves = try LMDBTree(file, meta).leaves()
        self.path = path
        self.file = file
        self.meta = meta
        self.leaves = leaves
        count = leaves.last.map { $0.first + $0.count } ?? 0
    }

    /// The key of record `index` < ``count``.
    /// - Throws: `Failure` (data, inputOutput).
    package func key(at index: Int) throws -> [UInt8] {
        let (page, node) = try locate(index)
        return page.key(try page.node(node))
    }

    /// The value of record `index` < ``count``, not yet read where it has pages of its own.
    /// - Throws: `Failure` (data, inputOutput).
    package func value(at index: Int) throws -> FileSection {
        let (page, position) = try locate(index)
        let node = try page.node(position)
        let key = String(decoding: page.key(node).prefix(80), as: UTF8.self)
        let name = "\(path): record \(quoted(key))"
        guard node.isBig else {
            return FileSection(file: file, offset: page.start + node.data, count: node.size, name: name)
        }
        return FileSection(file: file, offset: try page.overflow(of: node, in: file), count: node.size, name: name)
    }

    /// Which record has a key; nil where none has.
    /// - Throws: `Failure` (data, inputOutput).
    package func index(ofKey key: [UInt8]) throws -> Int? {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            let other = try self.key(at: middle)
            if other == key { return middle }
            if other.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The leaf page of a record, and the record's position in it.
    private func locate(_ index: Int) throws -> (LMDBPage, Int) {
        precondition((0..<count).contains(index))
        var low = 0, high = leaves.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if leaves[middle].first <= index { low = middle } else { high = middle }
        }
        let page = try LMDBPage(number: leaves[low].page, meta, file)
        guard page.kind == .leaf, page.count == leaves[low].count else { throw meta.damaged("a page has changed") }
        return (page, index - leaves[low].first)
    }
}
