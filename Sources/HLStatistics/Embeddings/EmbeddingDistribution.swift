import HLCompute
import HLTensor

/// Mean and spread of N embeddings, from the triangular factor of [1 X], a column of ones beside X [N, d].
///
/// Reflections that leave nothing of the ones but √N leave √N μᵀ beside it, and below it a factor of X − 1μᵀ: mean and
/// scatter by one pass in double precision, where the sum of squares less the square of the sum would lose digits.
package struct EmbeddingDistribution: Sendable {
    /// N.
    package let count: Int
    /// μ, d values.
    package let mean: [Double]
    /// Upper triangle R [d, d] with RᵀR = Σ (x − μ)(x − μ)ᵀ.
    package let scatter: DoubleMatrix
    /// A [d + 1, d] with AᵀA = Σ x xᵀ.
    package let raw: DoubleMatrix

    /// An upper triangle A with AᵀA the covariance, N − 1 in its denominator. N > 1.
    package var covarianceFactor: DoubleMatrix { scatter.scaled(by: 1 / Double(count - 1).squareRoot()) }

    /// Singular values of `scatter` up to this are rounding and no spread.
    package var noise: Double { 4e-15 * raw.squaredNorm.squareRoot() }

    /// Takes in embeddings a batch at a time, in memory that does not grow with their number.
    package struct Accumulator {
        private var factor: TriangularFactor

        package init(dimension: Int, algebra: LinearAlgebra) {
            factor = TriangularFactor(columns: dimension + 1, algebra: algebra)
        }

        /// - Parameter embeddings: F32 [B, d], finite.
        package mutating func add(_ embeddings: HostTensor) {
            let dimension = factor.columns - 1
            precondition(embeddings.rowSize == dimension)
            embeddings.withUnsafeElements(as: Float.self) { values in
                factor.add(rows: embeddings.rowCount) { row, place in
                    place[0] = 1
                    for column in 0..<dimension { place[column + 1] = Double(values[row * dimension + column]) }
                }
            }
        }

        /// - Parameter rows: [B, d], one after the other.
        mutating func add(_ rows: [Double]) {
            let dimension = factor.columns - 1
            rows.withUnsafeBufferPointer { values in
                factor.add(rows: rows.count / dimension) { row, place in
                    place[0] = 1
                    for column in 0..<dimension { place[column + 1] = values[row * dimension + column] }
                }
            }
        }

        /// N > 0.
        package mutating func finished() -> EmbeddingDistribution {
            let r = factor.finished(), size = factor.columns
            return EmbeddingDistribution(
                count: factor.rowCount, mean: (1..<size).map { r[0, $0] / r[0, 0] },
                scatter: r.part(1..<size, 1..<size), raw: r.part(0..<size, 1..<size))
        }
    }
}
