import CCUDA
import HLTensor

/// Conditional batch norm with ReLU: to the kernels a sample is a group, with a scale and a shift of its own and the
/// statistics of all.
extension CUDABackend {
    package func conditionalNorm(
        _ x: Tensor, gain: Tensor, shift: Tensor, running: RunningStatistics?, epsilon: Float, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let statistics = batchStatistics(x, running: running, epsilon: epsilon, groups: 1, over: ranks)
        let output = applyNorm(
            x, groups: x.shape[0], statistics.norm(gain: gain, shift: shift, of: x), residual: nil, relu: true)
        return (output, statistics)
    }

    /// With ĝ = the gradient behind ReLU, γ the gain and x̂ the normalised input, per channel of N values:
    /// dγ = Σ ĝ x̂ and dβ = Σ ĝ per sample, dx = 1/σ · (γ ĝ − Σ γ dβ / N − x̂ Σ γ dγ / N).
    package func conditionalNormBackward(
        _ gradient: Tensor, input: Tensor, gain: Tensor, shift: Tensor, statistics: BatchStatistics
    ) -> ConditionalNormGradients {
        let samples = input.shape[0], channels = input.shape[1], rows = NormRows(input, groups: samples)
        let gradient = converted(gradient, to: input.type), tiling = rows.tilingOfSums, result = like(input)
        let partial = allocate([samples * Int(tiling.tiles), 2, channels])
        var back = hl_cuda_norm_back()
        back.tiling = tiling
        back.norm = statistics.norm(gain: gain, shift: shift, of: input)
        back.x = input.either
        back.gradient = gradient.either
        back.mask = UInt32(HL_CUDA_MASK_OF_NORM)
        back.partial = partial.f32
        launch(hl_kernel_norm_back_sums, rows.grid(tiling), back)

        let gains = allocate([samples, channels]), shifts = allocate([samples, channels])
        let slope = allocate([channels]), offset = allocate([channels])
        // A gain of a sample's own stands in the sums: what is left is a norm without weight.
        let slopes = hl_cuda_norm_slopes(
            mean: statistics.mean.f32, inverse: statistics.inverseDeviation.f32, weight: nil, slope: slope.f32,
            offset: offset.f32, groups: 1, channels: UInt32(kernel: channels), of_batch: 1,
            count: Double(samples * rows.count * (statistics.ranks?.count ?? 1)))
        let own = statistics.ranks.map { _ in allocate([1, 2 * channels]) }
        launch(
            hl_kernel_conditional_norm_back, rows.gridOfChannels,
            hl_cuda_conditional_norm_back(
                slopes: slopes, partial: partial.f32, gain: gain.f32, gain_gradient: gains.f32,
                shift_gradient: shifts.f32, own: own?.f32, samples: UInt32(kernel: samples), tiles: tiling.tiles))
        if let ranks = statistics.ranks, let own {
            let all = ranks.gatherRows(own)
            launch(
                hl_kernel_norm_back_over_ranks, .over(channels),
                hl_cuda_norm_back_over_ranks(slopes: slopes, all: all.f32, ranks: UInt32(kernel: ranks.count)))
        }

        back.result = result.either
        back.slope = UnsafePointer(slope.f32)
        back.offset = UnsafePointer(offset.f32)
        back.tiling = rows.tilingOfValues
        launch(hl_kernel_norm_back_apply, rows.grid(back.tiling), back)
        withExtendedLifetime((gradient, slope, offset)) {}
        return ConditionalNormGradients(input: result, gain: gains, shift: shifts)
    }
}

extension BatchStatistics {
    /// As kernels take it, a sample being a group; the tensors have to outlive their launch.
    fileprivate func norm(gain: Tensor, shift: Tensor, of x: Tensor) -> hl_cuda_norm {
        precondition(gain.shape == [x.shape[0], x.shape[1]] && shift.shape == gain.shape)
        var norm = norm(weight: gain, bias: shift)
        norm.statistics_step = 0
        norm.affine_step = UInt32(kernel: x.shape[1])
        return norm
    }
}
