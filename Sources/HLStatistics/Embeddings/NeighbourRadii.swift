import CKernels
import HLCompute
import HLTensor

/// How far each of N points has to its k-th nearest other.
///
/// Single precision screens and double precision decides: a pair whose squared distance from a matrix product could, with
/// all that rounding may have done to it, be among the k smallest is computed again from the points themselves. So the
/// radii are those of double precision, and copies of a point lie at distance 0. Some k ln N pairs of a point come to that.
enum NeighbourRadii {
    /// - Parameters:
    ///   - ks: each from 1 to N − 1.
    ///   - progress: called with the pairs done, one thread at a time.
    /// - Returns: N radii for each k.
    /// - Throws: whatever the backend throws.
    static func radii(
        _ points: PairwisePoints, ks: [Int], on backend: any Backend, progress: (Int) -> Void = { _ in }
    ) throws -> [[Double]] {
        let count = points.rows.rowCount, k = ks.max() ?? 1
        precondition(ks.allSatisfy { $0 >= 1 && $0 < count })
        let tiling = PairTiling(withinParts: [count])
        let nearest = NearestDistances(points: count, k: k), limits = Cells(repeating: Float.infinity, count: count)
        let locks = tiling.rowBlocks.map { _ in Turn() }, turn = Turn()
        try backend.forEachTile(points.tensor, points.tensor, tiling) { tile, products in
            // Whatever changes lies in the two blocks of the tile; locks are taken in their order.
            locks[tile.block.row].take {
                let work = { consume(tile, products, points, nearest, limits) }
                if tile.isDiagonal { work() } else { locks[tile.block.column].take(work) }
            }
            turn.take {
                progress(
                    tile.isDiagonal ? tile.rows.count * (tile.rows.count - 1) / 2 : tile.rows.count * tile.columns.count
                )
            }
        }
        return ks.map { k in (0..<count).map { nearest.distance($0, k) } }
    }

    private static func consume(
        _ tile: PairTiling.Tile, _ products: UnsafePointer<Float>, _ points: PairwisePoints,
        _ nearest: NearestDistances,
        _ limits: Cells<Float>
    ) {
        let chosen = Cells(repeating: UInt32(0), count: tile.columns.count)
        points.norms.withUnsafeBufferPointer { norms in
            points.rows.withUnsafeElements(as: Float.self) { rows in
                guard let norms = norms.baseAddress, let rows = rows.baseAddress else { return }
                let dimension = points.rows.rowSize
                for (number, row) in tile.rows.enumerated() {
                    let columns = (tile.isDiagonal ? row + 1 : tile.columns.lowerBound)..<tile.columns.upperBound
                    if columns.isEmpty { continue }
                    let first = columns.lowerBound
                    let products = products + number * tile.columns.count + first - tile.columns.lowerBound
                    let found = hl_near_pairs(
                        products, norms[row], norms + first, limits.base[row], limits.base + first, columns.count,
                        chosen.base)
                    for place in 0..<found {
                        let column = first + Int(chosen.base[place])
                        let shown = norms[row] + norms[column] - 2 * products[column - first]
                        // The limits have come down since.
                        if shown > max(limits.base[row], limits.base[column]) { continue }
                        var distance = 0.0
                        hl_row_distances(rows + row * dimension, rows + column * dimension, 1, dimension, &distance)
                        for point in [row, column] where nearest.add(distance, to: point) {
                            limits.base[point] = points.limit(nearest.distance(point, nearest.k))
                        }
                    }
                }
            }
        }
    }
}

/// The k smallest distances of each point so far, ascending.
private final class NearestDistances: Sendable {
    let k: Int
    private let values: Cells<Double>

    init(points: Int, k: Int) {
        self.k = k
        values = Cells(repeating: .infinity, count: points * k)
    }

    /// The k-th smallest; infinity where there are fewer.
    func distance(_ point: Int, _ k: Int) -> Double { values[point * self.k + k - 1] }

    /// Whether it is among the smallest.
    func add(_ distance: Double, to point: Int) -> Bool {
        let list = values.base + point * k
        guard distance < list[k - 1] else { return false }
        var place = k - 1
        while place > 0 && list[place - 1] > distance {
            list[place] = list[place - 1]
            place -= 1
        }
        list[place] = distance
        return true
    }
}
