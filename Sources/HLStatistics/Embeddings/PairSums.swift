import HLCompute
import HLTensor
import Synchronization

/// Sums over all pairs of rows of a matrix.
enum PairSums {
    /// Sums a function of the products over every two rows once, tile by tile: the same bits at any thread count.
    /// - Parameters:
    ///   - rows: F32 [N, d].
    ///   - parts: tiles lie within two of these parts of the rows, one below the other.
    ///   - term: the sum over the columns `columns` of one row, whose products with them begin at the pointer. Called on
    ///     several threads.
    /// - Returns: the sums by tile, in order.
    /// - Throws: whatever the backend throws.
    static func unordered(
        _ rows: Tensor, parts: [Int], on backend: any Backend, progress: (Int) -> Void,
        term: (
            _ tile: PairTiling.Tile, _ row: Int, _ columns: Range<Int>, _ products: UnsafePointer<Float>
        ) -> Double
    ) throws -> [(tile: PairTiling.Tile, sum: Double)] {
        let tiling = PairTiling(withinParts: parts)
        let sums = Cells(repeating: 0.0, count: tiling.count), turn = Turn()
        try backend.forEachTile(rows, rows, tiling) { tile, products in
            var sum = 0.0, pairs = 0
            for (number, row) in tile.rows.enumerated() {
                let columns = (tile.isDiagonal ? row + 1 : tile.columns.lowerBound)..<tile.columns.upperBound
                let start = number * tile.columns.count + columns.lowerBound - tile.columns.lowerBound
                if columns.isEmpty { continue }
                sum += term(tile, row, columns, products + start)
                pairs += columns.count
            }
            sums[tile.number] = sum
            turn.take { progress(pairs) }
        }
        return (0..<tiling.count).map { (tiling[$0], sums[$0]) }
    }
}

/// Values that several threads write, each its own.
final class Cells<Element: BitwiseCopyable>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(repeating value: Element, count: Int) {
        self.count = count
        base = .allocate(capacity: max(1, count))
        base.initialize(repeating: value, count: count)
    }

    deinit { base.deallocate() }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return base[index]
        }
        set {
            precondition(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    var array: [Element] { (0..<count).map { base[$0] } }
}

/// Lets one thread in at a time.
final class Turn: Sendable {
    private let mutex = Mutex(())

    func take(_ body: () -> Void) { mutex.withLock { _ in body() } }
}
