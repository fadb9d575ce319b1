import CCUDA
import HLTensor

extension CUDABackend {
    package func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        precondition(a.shape.count == 2 && b.shape.count == 2)
        let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (inner, n) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        precondition(k == inner, "matrices \(a.shape) and \(b.shape) do not fit")
        let result = allocate([m, n])
        let product = MatrixProduct(rows: m, columns: n, depth: k, transposeA: transposeA, transposeB: transposeB)
        multiply(product, a.f32, b.f32, result.f32)
        return result
    }

    /// A product on the device. A sum of nothing is 0, and no result asks for no product: libraries refuse both.
    func multiply(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer
    ) {
        guard product.rows > 0 && product.columns > 0 && product.count > 0 else { return }
        attempt { () throws(Failure) in
            guard product.depth == 0 else { return try device.multiply(product, a, b, c) }
            precondition(product.count == 1 && product.strides.c == product.columns && !product.accumulates)
            try device.fill(c, byteCount: product.rows * product.columns * product.resultType.size, with: 0)
        }
    }
}
