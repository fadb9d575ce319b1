import HLTensor

/// A leaf page and the records in it: `count` from number `first` on.
struct LMDBLeafRange {
    let page: Int
    let first: Int
    let count: Int
}

/// Walks the tree of the main database once, from the lowest key to the highest, and checks it.
struct LMDBTree {
    private let file: PositionedFile
    private let meta: LMDBMeta
    private var ranges: [LMDBLeafRange] = []
    /// The highest record so far.
    private var last: (page: LMDBPage, node: LMDBPage.Node)?

    init(_ file: PositionedFile, _ meta: LMDBMeta) {
        self.file = file
        self.meta = meta
    }

    /// The leaves in the order of their keys.
    /// - Throws: `Failure` (data, inputOutput).
    func leaves() throws -> [LMDBLeafRange] {
        guard let root = meta.root else { return [] }
        var walk = self
        try walk.visit(root, level: 1)
        guard walk.total == meta.entries else {
            throw meta.damaged("it has \(walk.total) records and claims \(meta.entries)")
        }
        return walk.ranges
    }

    private var total: Int { ranges.last.map { $0.first + $0.count } ?? 0 }

    /// A page that is reached twice would have its keys twice, and keys have to rise: no walk is longer than the file.
    private mutating func visit(_ number: Int, level: Int) throws {
        let page = try LMDBPage(number: number, meta, file)
        guard (page.kind == .leaf) == (level == meta.depth), page.count > 0 else {
            throw meta.damaged("page \(number) has no place in the tree")
        }
        guard page.kind == .branch else { return try add(page, number: number) }
        for position in 0..<page.count { try visit(page.child(position), level: level + 1) }
    }

    private mutating func add(_ page: LMDBPage, number: Int) throws {
        for position in 0..<page.count {
            let node = try page.node(position)
            if let last, !LMDBPage.precedes(last.page, last.node, page, node) {
                throw meta.damaged("the keys of page \(number) are out of order")
            }
            last = (page, node)
        }
        ranges.append(LMDBLeafRange(page: number, first: total, count: page.count))
    }
}
