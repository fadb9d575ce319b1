import CCUDA
import HLTensor

/// The end of a stem. What lies between batch norm and max pooling is four times as large as what comes out: it is
/// never in memory, and its gradient neither.
extension CUDABackend {
    /// Choices are 255 where a maximum is not above 0 and lets no gradient back.
    package func batchNormMaxPool(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        window: Window, over ranks: (any Ranks)?
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics) {
        let shape = window.pooled(x.shape)
        let statistics = batchStatistics(x, running: running, epsilon: epsilon, groups: groups, over: ranks)
        let output = allocate(shape, type: x.type), chosen = allocate(shape, type: .u8)
        let rows = NormRows(output, groups: groups), tiling = rows.tilingOfValues
        launch(
            hl_kernel_norm_max_pool, rows.grid(tiling),
            hl_cuda_norm_max_pool(
                tiling: tiling, norm: statistics.norm(weight: weight, bias: bias), x: x.either, y: output.either,
                chosen: chosen.u8, height: UInt32(kernel: x.shape[2]), width: UInt32(kernel: x.shape[3]),
                rows: UInt32(kernel: shape[2]), columns: UInt32(kernel: shape[3]), window: UInt32(kernel: window.size),
                stride: UInt32(kernel: window.stride), padding: UInt32(kernel: window.padding)))
        return (output, chosen, statistics)
    }

    /// Choices know already where ReLU lets nothing pass.
    package func batchNormMaxPoolBackward(
        _ gradient: Tensor, output: Tensor, chosen: Tensor, input: Tensor, weight: Tensor?,
        statistics: BatchStatistics, window: Window
    ) -> BatchNormGradients {
        let shape = window.pooled(input.shape), gradient = converted(gradient, to: input.type), result = like(input)
        precondition(gradient.shape == shape && chosen.shape == shape)
        var back = hl_cuda_norm_back()
        back.norm = statistics.norm(weight: weight, bias: nil)
        back.gradient = gradient.either
        back.result = result.either
        back.chosen = UnsafePointer(chosen.u8)
        (back.height, back.width) = (UInt32(kernel: input.shape[2]), UInt32(kernel: input.shape[3]))
        (back.rows, back.columns) = (UInt32(kernel: shape[2]), UInt32(kernel: shape[3]))
        back.window = UInt32(kernel: window.size)
        back.stride = UInt32(kernel: window.stride)
        back.padding = UInt32(kernel: window.padding)
        let sums = normBackward(
            back, hl_kernel_norm_pool_back_sums, hl_kernel_norm_pool_back_apply, input: input, weight: weight,
            statistics)
        withExtendedLifetime(gradient) {}
        return BatchNormGradients(input: result, weight: sums.weight, bias: sums.bias, residual: nil)
    }
}
