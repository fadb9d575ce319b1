import COpenBLAS
import HLTensor
import Synchronization

/// Linear algebra in double precision on the host, by OpenBLAS and the LAPACK in it: for statistics, whose matrices are
/// small and which are differences of what is large.
///
/// The library computes on one thread here, so that results have the same bits at any thread count. What is parallel is
/// cut into parts that are the same at any thread count.
package struct LinearAlgebra: Sendable {
    /// Threads in all.
    package let threads: Int

    /// - Parameter threads: threads in all, 0 for one per core.
    /// - Throws: `Failure`: software where OpenBLAS cannot be loaded or is without LAPACK, resources where there is no room.
    package init(threads: Int = 0) throws(Failure) {
        self.threads = threads > 0 ? threads : Machine.coreCount
        try Libraries.loadOpenBLAS(threads: self.threads)
        if let message = hl_lapack_load() {
            throw Failure(
                .software, "cannot use OpenBLAS (\(String(cString: message)))", "install the package libopenblas0")
        }
    }

    /// Threads of one call of the library by others, which none of the calls here may change for good.
    package static var libraryThreads: Int { Int(hl_blas_threads()) }

    /// The singular values, from the largest on, each to some 1e-16 of the largest.
    /// - Throws: `Failure` (software) where the iteration does not converge.
    package func singularValues(_ matrix: DoubleMatrix) throws(Failure) -> [Double] {
        var values = [Double](repeating: 0, count: min(matrix.rows, matrix.columns)), copy = matrix.values
        if values.isEmpty { return [] }
        let info = Libraries.onOneThread {
            hl_lapack_singular_values(&copy, Int32(matrix.rows), Int32(matrix.columns), &values)
        }
        guard info == 0 else {
            throw Failure(.software, "singular values do not converge (dgesdd: \(info))", "report this defect")
        }
        return values
    }

    /// a bᵀ, [m, k] × [n, k].
    package func product(_ a: DoubleMatrix, transposed b: DoubleMatrix) -> DoubleMatrix {
        precondition(a.columns == b.columns)
        var values = [Double](repeating: 0, count: a.rows * b.rows)
        Libraries.onOneThread {
            hl_blas_dgemm(
                0, 1, Int32(a.rows), Int32(b.rows), Int32(a.columns), a.values, Int32(a.rows), b.values, Int32(b.rows),
                &values, Int32(a.rows))
        }
        return DoubleMatrix(rows: a.rows, columns: b.rows, values: values)
    }

    /// a r⁻¹, [m, n] and an upper triangle [n, n] without zeros on its diagonal.
    package func quotient(_ a: DoubleMatrix, byUpper r: DoubleMatrix) -> DoubleMatrix {
        precondition(r.rows == r.columns && a.columns == r.rows)
        var values = a.values
        Libraries.onOneThread { hl_blas_divide_by_upper(r.values, Int32(r.rows), &values, Int32(a.rows)) }
        return DoubleMatrix(rows: a.rows, columns: a.columns, values: values)
    }
}

extension Libraries {
    /// Runs `body` while every call of OpenBLAS takes one thread: that of whoever calls.
    static func onOneThread<Result>(_ body: () -> Result) -> Result {
        calls.withLock { calls in
            if calls.count == 0 { calls.threads = hl_blas_set_threads(1) }
            calls.count += 1
        }
        defer {
            calls.withLock { calls in
                calls.count -= 1
                if calls.count == 0 { _ = hl_blas_set_threads(calls.threads) }
            }
        }
        return body()
    }

    /// How many threads are in ``onOneThread(_:)``, and what the first of them found: the last one restores it.
    private static let calls = Mutex<(count: Int, threads: Int32)>((0, 0))
}
