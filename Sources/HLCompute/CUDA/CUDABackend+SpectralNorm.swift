import CCUDA
import HLTensor

/// Spectral normalisation in two products and two kernels, and two kernels back; the host reads nothing.
///
/// A weight [O, I, k, k] lies [O, k, k, I]. Singular values do not depend on the order of a matrix's columns; the right
/// vector is kept in row-major order, [1, I · k · k], as everybody else knows it, and reordered where it is used.
extension CUDABackend {
    package func spectralNorm(_ weight: Tensor, left: Tensor, epsilon: Float) -> SpectralNormalisation {
        let order = ColumnOrder(weight.shape), (rows, columns) = (order.rows, order.columns)
        precondition(left.elementCount == rows)
        let image = allocate([1, rows]), right = allocate([1, columns])
        let sums = allocate([1, columns]), lying = order.taps == 1 ? right : allocate([1, columns])
        let new = allocate([1, rows]), singularValue = allocate([1, 1]), result = allocate(weight.shape)
        // In F32 whatever `roundsToTF32` says: lengths divide all that the weight is used for.
        multiply(MatrixProduct(rows: 1, columns: columns, depth: rows), left.f32, weight.f32, sums.f32)
        launch(
            hl_kernel_spectral_unit, Grid(1),
            hl_cuda_spectral_unit(
                x: sums.f32, y: lying.f32, ordered: right.f32, count: UInt32(kernel: columns),
                inputs: UInt32(kernel: order.inputs), taps: UInt32(kernel: order.taps), epsilon: epsilon))
        multiply(
            MatrixProduct(rows: 1, columns: rows, depth: columns, transposeB: true), lying.f32, weight.f32, image.f32)
        launch(
            hl_kernel_spectral_scale, blocks(weight),
            hl_cuda_spectral_scale(
                weight: weight.f32, image: image.f32, y: result.f32, left: new.f32, value: singularValue.f32,
                count: weight.count32, rows: UInt32(kernel: rows), epsilon: epsilon))
        return SpectralNormalisation(weight: result, left: new, right: right, singularValue: singularValue)
    }

    /// No more than a card runs at once: each begins with the same sums over a vector.
    private func blocks(_ weight: Tensor) -> Grid { Grid(min(Grid.over(weight.elementCount).x, 1024)) }

    /// With σ = u W vᵀ and u, v held constant: dW = (g − ⟨g, W/σ⟩ uᵀ v) / σ.
    package func spectralNormBackward(_ gradient: Tensor, _ normalisation: SpectralNormalisation) -> Tensor {
        let weight = normalisation.weight, order = ColumnOrder(weight.shape)
        precondition(gradient.shape == weight.shape)
        let result = allocate(weight.shape)
        // One number a block, which every block of the second kernel adds up by one thread for each.
        let parts = min(Grid.over(weight.elementCount).x, Int(HL_CUDA_THREADS))
        let memory = allocate([parts, 2])
        let sums = memory.cuda.address.assumingMemoryBound(to: Double.self)
        launch(
            hl_kernel_spectral_along, Grid(parts),
            hl_cuda_spectral_along(gradient: gradient.f32, weight: weight.f32, sums: sums, count: weight.count32))
        launch(
            hl_kernel_spectral_backward, blocks(weight),
            hl_cuda_spectral_backward(
                gradient: gradient.f32, left: normalisation.left.f32, right: normalisation.right.f32,
                value: normalisation.singularValue.f32, sums: sums, y: result.f32, parts: UInt32(parts),
                count: weight.count32, inputs: UInt32(kernel: order.inputs), taps: UInt32(kernel: order.taps)))
        return result
    }
}

/// The columns of a weight as they lie: taps, and for each its inputs.
private struct ColumnOrder {
    let rows, inputs, taps: Int

    init(_ weight: [Int]) {
        rows = weight[0]
        taps = weight.count == 4 ? weight[2] * weight[3] : 1
        inputs = weight.dropFirst().reduce(1, *) / taps
    }

    var columns: Int { inputs * taps }
}
