import HLCompute
import HLTensor
import OperationCases
import Synchronization
import TestSupport
import Testing

extension ComputeTests {
    /// Products of all pairs, tile by tile.
    struct PairTilingTests {
        @Test(arguments: [[1], [5], [512], [513], [1500], [3, 700], [600, 0, 600]])
        func everyPairOnce(_ parts: [Int]) {
            let tiling = PairTiling(withinParts: parts), count = parts.reduce(0, +)
            var seen = [Int](repeating: 0, count: count * count)
            for number in 0..<tiling.count {
                let tile = tiling[number]
                #expect(
                    tile.number == number && tile.rows.count <= PairTiling.side && tile.columns.count <= PairTiling.side
                )
                #expect(tiling.rowBlocks[tile.block.row] == tile.rows)
                #expect(tiling.columnBlocks[tile.block.column] == tile.columns)
                // No tile reaches over the end of a part.
                var end = 0
                for part in parts {
                    end += part
                    for range in [tile.rows, tile.columns] {
                        #expect(range.upperBound <= end || range.lowerBound >= end)
                    }
                }
                for row in tile.rows {
                    for column in tile.columns where !tile.isDiagonal || column > row {
                        seen[min(row, column) * count + max(row, column)] += 1
                    }
                }
            }
            for row in 0..<count {
                for column in row + 1..<max(count, row + 1) where seen[row * count + column] != 1 {
                    Issue.record("\(row), \(column): \(seen[row * count + column]) times")
                    return
                }
            }
        }

        @Test func rectangle() {
            let tiling = PairTiling(rows: 700, columns: 30)
            let pairs = (0..<tiling.count).map { tiling[$0].rows.count * tiling[$0].columns.count }.reduce(0, +)
            #expect(pairs == 700 * 30)
            #expect((0..<tiling.count).allSatisfy { !tiling[$0].isDiagonal })
        }

        /// On every backend the products of the formula, and on those of the processor the same bits on any number of threads.
        @Test func products() throws {
            let (x, y) = (Formula.centred("tile.x", [1100, 19]), Formula.centred("tile.y", [40, 19]))
            let (a, b) = (x.floats, y.floats)
            let expected = (0..<1100 * 40).map { index in
                (0..<19).reduce(0.0) { $0 + Double(a[index / 40 * 19 + $1]) * Double(b[index % 40 * 19 + $1]) }
            }
            func found(_ backend: any Backend) throws -> [Float] {
                let result = Mutex([Float](repeating: .nan, count: 1100 * 40))
                try backend.forEachTile(backend.tensor(x), backend.tensor(y), PairTiling(rows: 1100, columns: 40)) {
                    tile, products in
                    result.withLock { result in
                        for (i, row) in tile.rows.enumerated() {
                            for (j, column) in tile.columns.enumerated() {
                                result[row * 40 + column] = products[i * tile.columns.count + j]
                            }
                        }
                    }
                }
                return result.withLock { $0 }
            }
            let one = try found(CPUBackend.plain(threads: 1))
            var backends: [any Backend] = try testedBackends.map { try $0.make(threads: 2) }
            backends += [try CPUBackend.plain(threads: 5), try PrimitiveBackend()]
            for backend in backends {
                let values = try found(backend)
                if backend is CPUBackend { #expect(values == one) }
                #expect(zip(values, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
            }
        }
    }
}
