import COpenBLAS
import HLTensor

/// The triangular factor R of a matrix A with few columns, whose rows come one after the other: RᵀR = AᵀA, by Householder
/// reflections in double precision (LAPACK's dtpqrt), in memory that does not grow with the rows.
///
/// R has the singular values of A to 1e-16 of the largest; from AᵀA, whose condition is the square of A's, the small ones
/// come to 1e-8 only. Rows go to `laneCount` factors in turn, which become one in the end: by their number alone, so that
/// the bits do not depend on threads and on how many rows come at a time.
package struct TriangularFactor {
    /// Columns of A and R.
    package let columns: Int
    /// Rows so far.
    package private(set) var rowCount = 0
    private let algebra: LinearAlgebra
    /// An upper triangle [columns, columns] for each lane, column by column.
    private var triangles: [Double]
    /// Rows that wait, one after the other, and their number.
    private var waiting: [Double]
    private var waitingRows = 0

    private static let laneCount = 4
    private static let blockRows = 512

    /// The factor of no rows.
    package init(columns: Int, algebra: LinearAlgebra) {
        precondition(columns > 0)
        self.columns = columns
        self.algebra = algebra
        triangles = Array(repeating: 0, count: Self.laneCount * columns * columns)
        waiting = Array(repeating: 0, count: Self.laneCount * Self.blockRows * columns)
    }

    /// Takes `count` rows in; `fill` writes each, given its number and its place.
    package mutating func add(rows count: Int, fill: (Int, UnsafeMutableBufferPointer<Double>) -> Void) {
        let columns = columns
        var row = 0
        while row < count {
            let part = min(count - row, Self.laneCount * Self.blockRows - waitingRows)
            let first = waitingRows
            waiting.withUnsafeMutableBufferPointer { waiting in
                for i in 0..<part {
                    let start = (first + i) * columns
                    fill(row + i, UnsafeMutableBufferPointer(rebasing: waiting[start..<start + columns]))
                }
            }
            row += part
            waitingRows += part
            if waitingRows == Self.laneCount * Self.blockRows { takeIn() }
        }
        rowCount += count
    }

    /// R, upper triangular; its signs are whatever the reflections give.
    package mutating func finished() -> DoubleMatrix {
        takeIn()
        let size = columns * columns
        var result = Array(triangles[..<size])
        Libraries.onOneThread {
            var workspace = [Double](repeating: 0, count: hl_lapack_qr_workspace(Int32(columns)))
            for lane in 1..<Self.laneCount {
                var other = Array(triangles[lane * size..<(lane + 1) * size])
                hl_lapack_qr_update(&result, Int32(columns), &other, Int32(columns), &workspace)
            }
        }
        return DoubleMatrix(rows: columns, columns: columns, values: result)
    }

    private mutating func takeIn() {
        let rows = waitingRows, columns = columns
        waitingRows = 0
        guard rows > 0 else { return }
        triangles.withUnsafeMutableBufferPointer { triangles in
            waiting.withUnsafeBufferPointer { waiting in
                Libraries.onOneThread {
                    inParallel(Self.laneCount, parts: algebra.threads) { lanes in
                        for lane in lanes {
                            let first = lane * Self.blockRows, count = min(Self.blockRows, rows - first)
                            if count <= 0 { continue }
                            Self.update(
                                UnsafeMutableBufferPointer(
                                    rebasing: triangles[lane * columns * columns..<(lane + 1) * columns * columns]),
                                columns,
                                UnsafeBufferPointer(
                                    rebasing: waiting[first * columns..<(first + count) * columns]), count)
                        }
                    }
                }
            }
        }
    }

    private static func update(
        _ triangle: UnsafeMutableBufferPointer<Double>, _ columns: Int, _ rows: UnsafeBufferPointer<Double>,
        _ count: Int
    ) {
        let workspace = hl_lapack_qr_workspace(Int32(columns))
        withUnsafeTemporaryAllocation(of: Double.self, capacity: count * columns + workspace) { memory in
            guard let block = memory.baseAddress, let triangle = triangle.baseAddress else { return }
            // Column by column, some rows at a time: both sides stay in cache.
            for start in stride(from: 0, to: count, by: 16) {
                for column in 0..<columns {
                    for row in start..<min(start + 16, count) {
                        block[row + column * count] = rows[row * columns + column]
                    }
                }
            }
            hl_lapack_qr_update(triangle, Int32(columns), block, Int32(count), block + count * columns)
        }
    }
}
