import COpenBLAS
import HLTensor

/// The eigenvalues and eigenvectors of a symmetric matrix, in float64 on the host: for what is decomposed once, beside
/// the products that a backend has to do.
package struct SymmetricEigen: Sendable {
    /// λ₀ ≤ λ₁ ≤ …
    package let values: [Double]
    /// Row i is the vector of value i, of length 1; [n, n], row-major.
    package let vectors: [Double]

    /// LAPACK's dsyevd on one thread: its bits do not depend on how many there are.
    ///
    /// - Parameter matrix: [n, n], of which the upper half is read, row-major.
    /// - Returns: nil where no OpenBLAS has been loaded by a backend, where it was built without LAPACK, and for a matrix
    ///   that it cannot decompose, such as one of NaN.
    package init?(_ matrix: [Double], count n: Int) {
        precondition(matrix.count == n * n && n > 0)
        var rows = matrix, values = [Double](repeating: 0, count: n)
        guard hl_blas_is_loaded() != 0,
            Libraries.onOneThread({ hl_lapack_symmetric_eigen(&rows, Int32(n), &values) }) == 0
        else { return nil }
        self.values = values
        vectors = rows
    }
}
