import HLCompute
import HLTensor

/// Coordinates in which features are uncorrelated: centred, and turned to the eigenvectors of their covariance.
///
/// A turn keeps ‖W‖², and the centre goes into the intercept, which is not penalised: the objective of a logistic
/// regression is the same function as before, and the Hessian of its loss is nearly diagonal. So a minimiser that knows
/// the diagonal takes a fraction of the steps.
struct FeatureBasis {
    /// d means.
    let mean: [Double]
    /// Variances along the coordinates, d.
    let variances: [Double]
    /// F32 [d, d], a coordinate's direction in each row; nil where the coordinates are the features' own, because the
    /// covariance could not be decomposed.
    let directions: Tensor?
    private let backend: any Backend

    /// Of features F32 [N, d], N > 0.
    /// - Throws: whatever went wrong on the backend.
    init(_ features: HostTensor, on backend: any Backend) throws {
        self.backend = backend
        let width = features.rowSize, count = Double(features.rowCount)
        mean = features.columnMeans
        let centred = backend.tensor(Self.centred(features, mean))
        let products = try backend.read(backend.matmul(centred, centred, transposeA: true, transposeB: false))
        let covariance = products.floats.map { Double($0) / count }
        if let eigen = SymmetricEigen(covariance, count: width) {
            variances = eigen.values.map { max($0, 0) }
            directions = backend.tensor(HostTensor(eigen.vectors.map { Float($0) }, shape: [width, width]))
        } else {
            variances = (0..<width).map { covariance[$0 * width + $0] }
            directions = nil
        }
    }

    /// Features F32 [N, d] in these coordinates, with a column of ones for the intercept behind them, [N, d + 1].
    func coordinates(of features: HostTensor) -> Tensor {
        let width = features.rowSize, rows = features.rowCount
        let result = backend.tensor(.f32, shape: [rows, width + 1]) { bytes in
            let values = bytes.bindMemory(to: Float.self)
            values.update(repeating: 0)
            for row in 0..<rows { values[row * (width + 1) + width] = 1 }
        }
        let centred = backend.tensor(Self.centred(features, mean))
        let turned = directions.map { backend.matmul(centred, $0, transposeA: false, transposeB: true) } ?? centred
        backend.addColumns(turned, into: result, at: 0)
        return result
    }

    /// Rows [K, d] of weights or gradients of these coordinates as those of the features themselves.
    /// - Throws: whatever went wrong on the backend.
    func restored(_ rows: HostTensor) throws -> HostTensor {
        guard let directions else { return rows }
        return try backend.read(backend.matmul(backend.tensor(rows), directions, transposeA: false, transposeB: false))
    }

    /// The other way round.
    func turned(_ rows: HostTensor) throws -> HostTensor {
        guard let directions else { return rows }
        return try backend.read(backend.matmul(backend.tensor(rows), directions, transposeA: false, transposeB: true))
    }

    private static func centred(_ features: HostTensor, _ mean: [Double]) -> HostTensor {
        let width = features.rowSize
        return HostTensor(.f32, shape: features.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            features.withUnsafeElements(as: Float.self) { values in
                mean.withUnsafeBufferPointer { mean in
                    for start in stride(from: 0, to: values.count, by: max(1, width)) {
                        for column in 0..<width {
                            target[start + column] = Float(Double(values[start + column]) - mean[column])
                        }
                    }
                }
            }
        }
    }
}
