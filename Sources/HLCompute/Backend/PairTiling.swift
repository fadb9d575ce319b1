/// The pairs of rows of two matrices, or of one with itself, cut into tiles that are the same on every backend.
package struct PairTiling: Sendable {
    /// Pairs (i, j) of some rows with some columns.
    package struct Tile: Sendable {
        /// Its place among the tiles.
        package let number: Int
        /// Its places among the blocks of rows and of columns.
        package let block: (row: Int, column: Int)
        /// Rows of the first matrix.
        package let rows: Range<Int>
        /// Rows of the second one.
        package let columns: Range<Int>
        /// Whether it has each pair twice and each row with itself.
        package let isDiagonal: Bool
    }

    /// Rows and columns of a tile at most: the products and the rows that they are of stay in a core's cache.
    package static let side = 512

    /// Where the rows are cut.
    package let rowBlocks: [Range<Int>]
    /// Where the columns are cut.
    package let columnBlocks: [Range<Int>]
    private let places: [(row: UInt32, column: UInt32)]
    private let isSymmetric: Bool

    /// Every row of one matrix with every row of another.
    package init(rows: Int, columns: Int) {
        rowBlocks = Self.blocks([rows])
        columnBlocks = Self.blocks([columns])
        isSymmetric = false
        let width = columnBlocks.count
        places = rowBlocks.indices.flatMap { row in (0..<width).map { (UInt32(row), UInt32($0)) } }
    }

    /// Every two rows of one matrix once, in tiles on and above its diagonal. The matrix is `parts`, one below the other, and
    /// no tile reaches from one into the next.
    package init(withinParts parts: [Int]) {
        let blocks = Self.blocks(parts)
        rowBlocks = blocks
        columnBlocks = blocks
        isSymmetric = true
        places = blocks.indices.flatMap { row in (row..<blocks.count).map { (UInt32(row), UInt32($0)) } }
    }

    /// Tiles in all.
    package var count: Int { places.count }

    /// Tile `number` of them.
    package subscript(number: Int) -> Tile {
        let (row, column) = (Int(places[number].row), Int(places[number].column))
        return Tile(
            number: number, block: (row, column), rows: rowBlocks[row], columns: columnBlocks[column],
            isDiagonal: isSymmetric && row == column)
    }

    private static func blocks(_ parts: [Int]) -> [Range<Int>] {
        var result: [Range<Int>] = [], start = 0
        for part in parts {
            let count = (part + side - 1) / side
            for block in 0..<count {
                result.append(start + part * block / count..<start + part * (block + 1) / count)
            }
            start += part
        }
        return result
    }
}
