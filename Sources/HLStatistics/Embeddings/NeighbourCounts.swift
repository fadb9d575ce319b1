import CKernels
import HLCompute
import HLTensor

/// Which of M samples lie within the neighbourhoods of N reference points and the other way round. A neighbourhood is a
/// ball as wide as the way from its centre to the k-th nearest other point of its own set.
///
/// As in `NeighbourRadii` single precision screens and double precision decides: no count differs from that of exact
/// distances.
package struct NeighbourCounts {
    /// Samples within the ball, edge included, of some reference point.
    package private(set) var precise = 0
    /// Reference points within the ball, edge included, of some sample.
    package private(set) var recalled = 0
    /// Pairs of a sample and a reference point with the sample inside of the point's ball.
    package private(set) var inside = 0
    /// Reference points with some sample inside of their ball.
    package private(set) var covered = 0
    let samples: Int
    let reference: Int

    /// - Parameters:
    ///   - reference, samples: F32 [N, d] and [M, d].
    ///   - radii: k of the balls for `precise` and `recalled`, and of those for `inside` and `covered`; below N and M.
    ///   - progress: called with the pairs done, one thread at a time.
    /// - Throws: whatever the backend throws.
    package init(
        reference: HostTensor, samples: HostTensor, radii: (precision: Int, density: Int), on backend: any Backend,
        progress: (Int) -> Void = { _ in }
    ) throws {
        self.reference = reference.rowCount
        self.samples = samples.rowCount
        let frame = PointFrame(reference, samples)
        let centres = PairwisePoints(reference, frame: frame, on: backend)
        let points = PairwisePoints(samples, frame: frame, on: backend)
        let own = try NeighbourRadii.radii(
            centres, ks: [radii.precision, radii.density], on: backend, progress: progress)
        let others = try NeighbourRadii.radii(points, ks: [radii.precision], on: backend, progress: progress)[0]

        let tiling = PairTiling(rows: self.reference, columns: self.samples)
        let state = State(centres, points, own: (own[0], own[1]), others: others)
        let rowLocks = tiling.rowBlocks.map { _ in Turn() }, columnLocks = tiling.columnBlocks.map { _ in Turn() }
        let turn = Turn()
        try backend.forEachTile(centres.tensor, points.tensor, tiling) { tile, products in
            rowLocks[tile.block.row].take {
                columnLocks[tile.block.column].take { state.consume(tile, products) }
            }
            turn.take { progress(tile.rows.count * tile.columns.count) }
        }
        precise = state.isPrecise.array.reduce(0) { $0 + Int($1) }
        recalled = state.isRecalled.array.reduce(0) { $0 + Int($1) }
        inside = state.insideCount.array.reduce(0, +)
        covered = state.insideCount.array.count { $0 > 0 }
    }

    /// What the tiles add to. Whatever changes is of a tile's rows or of its columns.
    private final class State: @unchecked Sendable {
        private let centres: PairwisePoints
        private let points: PairwisePoints
        private let own: (precision: [Double], density: [Double])
        private let others: [Double]
        /// The greater of a centre's two radii, and a sample's, as the screen sees them.
        private let ownLimits: [Float]
        private let otherLimits: [Float]
        /// Squares below which a pair lies inside of both balls of a centre whatever rounding has done.
        private let certain: [Float]
        let isPrecise: Cells<UInt8>
        let isRecalled: Cells<UInt8>
        /// Samples inside of each centre's ball.
        let insideCount: Cells<Int>

        init(
            _ centres: PairwisePoints, _ points: PairwisePoints, own: ([Double], [Double]), others: [Double]
        ) {
            self.centres = centres
            self.points = points
            self.own = (own.0, own.1)
            self.others = others
            ownLimits = zip(own.0, own.1).map { centres.limit(max($0, $1)) }
            otherLimits = others.map { points.limit($0) }
            certain = zip(own.0, own.1).map { first, second in
                let scaled = min(first, second) * centres.scale
                return Float(scaled * scaled * (1 - 0x1p-20)) - 1e-36
            }
            isPrecise = Cells(repeating: 0, count: points.rows.rowCount)
            isRecalled = Cells(repeating: 0, count: centres.rows.rowCount)
            insideCount = Cells(repeating: 0, count: centres.rows.rowCount)
        }

        func consume(_ tile: PairTiling.Tile, _ products: UnsafePointer<Float>) {
            let chosen = Cells(repeating: UInt32(0), count: tile.columns.count)
            let dimension = centres.rows.rowSize, first = tile.columns.lowerBound
            // What the norms have been lowered by, twice, and what else there is to add.
            let slack = Float(2.01 * centres.slack)
            centres.rows.withUnsafeElements(as: Float.self) { centreRows in
                points.rows.withUnsafeElements(as: Float.self) { pointRows in
                    points.norms.withUnsafeBufferPointer { norms in
                        otherLimits.withUnsafeBufferPointer { limits in
                            guard let centreRows = centreRows.baseAddress, let pointRows = pointRows.baseAddress,
                                let norms = norms.baseAddress, let limits = limits.baseAddress
                            else { return }
                            for (number, row) in tile.rows.enumerated() {
                                let products = products + number * tile.columns.count
                                let norm = centres.norms[row]
                                let found = hl_near_pairs(
                                    products, norm, norms + first, ownLimits[row], limits + first, tile.columns.count,
                                    chosen.base)
                                for place in 0..<found {
                                    let offset = Int(chosen.base[place]), column = first + offset
                                    let norms = norm + norms[column], shown = norms - 2 * products[offset]
                                    let mayBeOwn = shown <= ownLimits[row]
                                    if !mayBeOwn && isRecalled.base[row] != 0 { continue }
                                    if isRecalled.base[row] != 0 && shown + slack * norms < certain[row] {
                                        isPrecise.base[column] = 1
                                        insideCount.base[row] += 1
                                        continue
                                    }
                                    var distance = 0.0
                                    hl_row_distances(
                                        centreRows + row * dimension, pointRows + column * dimension, 1, dimension,
                                        &distance)
                                    if distance <= own.precision[row] { isPrecise.base[column] = 1 }
                                    if distance < own.density[row] { insideCount.base[row] += 1 }
                                    if distance <= others[column] { isRecalled.base[row] = 1 }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
