import Foundation
import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

extension ComputeTests {
    /// Double precision on the host, against what is known by construction.
    struct LinearAlgebraTests {
        private func matrix(_ name: String, _ rows: Int, _ columns: Int) -> DoubleMatrix {
            DoubleMatrix(
                rows: rows, columns: columns, values: Formula.uniform(name, rows * columns).map { Double($0) - 0.5 })
        }

        /// H = I − 2 v vᵀ / |v|², orthogonal and symmetric.
        private func reflection(_ name: String, _ size: Int) -> DoubleMatrix {
            let v = matrix(name, size, 1)
            var result = DoubleMatrix(rows: size, columns: size)
            for i in 0..<size {
                for j in 0..<size {
                    result[i, j] = (i == j ? 1 : 0) - 2 * v[i, 0] * v[j, 0] / v.squaredNorm
                }
            }
            return result
        }

        /// A [rows, columns] with known singular values: reflections on either side of a diagonal.
        private func matrix(_ values: [Double], rows: Int, _ algebra: LinearAlgebra) -> DoubleMatrix {
            var middle = DoubleMatrix(rows: rows, columns: values.count)
            for (i, value) in values.enumerated() { middle[i, i] = value }
            let right = algebra.product(middle, transposed: reflection("right", values.count))
            var transposed = DoubleMatrix(rows: values.count, columns: rows)
            for i in 0..<rows { for j in values.indices { transposed[j, i] = right[i, j] } }
            return algebra.product(reflection("left", rows), transposed: transposed)
        }

        private func factor(
            _ a: DoubleMatrix, _ algebra: LinearAlgebra, chunks: [Int]
        ) -> DoubleMatrix {
            var factor = TriangularFactor(columns: a.columns, algebra: algebra), start = 0, next = 0
            while start < a.rows {
                let count = min(chunks[next % chunks.count], a.rows - start), first = start
                factor.add(rows: count) { row, place in
                    for column in 0..<a.columns { place[column] = a[first + row, column] }
                }
                start += count
                next += 1
            }
            #expect(factor.rowCount == a.rows)
            return factor.finished()
        }

        @Test func product() throws {
            let algebra = try LinearAlgebra(threads: 2)
            let (a, b) = (matrix("a", 5, 7), matrix("b", 3, 7))
            let c = algebra.product(a, transposed: b)
            for i in 0..<5 {
                for j in 0..<3 {
                    let expected = (0..<7).reduce(0.0) { $0 + a[i, $1] * b[j, $1] }
                    #expect(abs(c[i, j] - expected) < 1e-15)
                }
            }
        }

        @Test func quotient() throws {
            let algebra = try LinearAlgebra(threads: 1), a = matrix("a", 4, 6)
            var r = DoubleMatrix(rows: 6, columns: 6)
            for j in 0..<6 { for i in 0...j { r[i, j] = i == j ? 2 : matrix("r", 6, 6)[i, j] } }
            let x = algebra.quotient(a, byUpper: r)
            for i in 0..<4 {
                for j in 0..<6 {
                    let back = (0...j).reduce(0.0) { $0 + x[i, $1] * r[$1, j] }
                    #expect(abs(back - a[i, j]) < 1e-14)
                }
            }
        }

        @Test func singularValues() throws {
            let algebra = try LinearAlgebra(threads: 2)
            let values: [Double] = [1e3, 7, 1, 1e-3, 1e-9, 0]
            for rows in [6, 9] {
                let found = try algebra.singularValues(matrix(values, rows: rows, algebra))
                #expect(found.count == 6)
                for (a, b) in zip(found, values) { #expect(abs(a - b) < 1e-12) }
            }
            #expect(try algebra.singularValues(DoubleMatrix(rows: 0, columns: 0)).isEmpty)
        }

        /// RᵀR = AᵀA, for fewer rows than columns, less than a block, several lanes and several rounds of them.
        @Test(arguments: [(1, 3), (2, 5), (40, 5), (700, 9), (2048, 4), (4500, 3)])
        func triangularFactor(_ rows: Int, _ columns: Int) throws {
            let algebra = try LinearAlgebra(threads: 2), a = matrix("rows", rows, columns)
            let r = factor(a, algebra, chunks: [rows])
            for i in 0..<columns {
                for j in 0..<columns {
                    if i > j { #expect(r[i, j] == 0) }
                    let expected = (0..<rows).reduce(0.0) { $0 + a[$1, i] * a[$1, j] }
                    let found = (0..<columns).reduce(0.0) { $0 + r[$1, i] * r[$1, j] }
                    #expect(abs(found - expected) < 1e-12 * Double(rows))
                }
            }
        }

        /// The same bits at any thread count and however many rows come at a time.
        @Test func triangularFactorRepeats() throws {
            let a = matrix("rows", 3000, 40), whole = factor(a, try LinearAlgebra(threads: 1), chunks: [3000])
            for (threads, chunks) in [(2, [1000]), (3, [1, 600, 2047]), (8, [3000])] {
                #expect(factor(a, try LinearAlgebra(threads: threads), chunks: chunks) == whole)
            }
        }

        /// Small singular values survive, which the square of the matrix would drown at 1e-8 of the largest.
        @Test func triangularFactorIsExact() throws {
            let algebra = try LinearAlgebra(threads: 2)
            let values: [Double] = [1, 1e-4, 1e-8, 1e-11, 1e-13]
            let found = try algebra.singularValues(
                factor(matrix(values, rows: 600, algebra), algebra, chunks: [250]))
            for (a, b) in zip(found, values) { #expect(abs(a - b) < 1e-14) }
        }

        /// Other operations have their threads back after double precision took them, from several threads at a time too.
        @Test func threadsComeBack() throws {
            let algebra = try LinearAlgebra(threads: 2), before = LinearAlgebra.libraryThreads
            #expect(before > 0)
            inParallel(4, parts: 40) { parts in
                for part in parts { _ = try? algebra.singularValues(matrix("a\(part)", 50, 50)) }
            }
            #expect(LinearAlgebra.libraryThreads == before)
        }
    }
}
