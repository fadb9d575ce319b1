import CCUDA
import HLTensor

extension CUDABackend {
    package func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let statistics = batchStatistics(x, running: running, epsilon: epsilon, groups: groups, over: ranks)
        let output = applyNorm(
            x, groups: groups, statistics.norm(weight: weight, bias: bias), residual: residual, relu: relu)
        return (output, statistics)
    }

    package func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let statistics = BatchStatistics(
            mean: allocate([1, x.shape[1]]), inverseDeviation: allocate([1, x.shape[1]]), groups: 1, ofBatch: false)
        let norm = hl_cuda_norm(
            mean: running.mean.f32, inverse: nil, variance: running.variance.f32, weight: weight.constants,
            bias: bias.constants, statistics_step: 0, affine_step: 0, epsilon: epsilon)
        let output = applyNorm(x, groups: 1, norm, residual: residual, relu: relu, keeping: statistics)
        return (output, statistics)
    }

    /// With ĝ = the gradient behind ReLU and x̂ the normalised input, per channel and group of N values:
    /// dβ = Σ ĝ, dγ = Σ ĝ x̂, dx = γ/σ · (ĝ − dβ/N − x̂ dγ/N); by fixed statistics just dx = γ/σ · ĝ.
    ///
    /// In place: ĝ takes the gradient's memory where it is the residual's, or a sum of two, and dx where it is not the
    /// residual's.
    package func batchNormBackward(
        _ gradient: Tensor, adding addend: Tensor?, input: Tensor, relu: ReLUMask?, weight: Tensor?,
        statistics: BatchStatistics, wantsResidual: Bool
    ) -> BatchNormGradients {
        let gradient = converted(gradient, to: input.type), addend = addend.map { converted($0, to: input.type) }
        let result = wantsResidual ? like(input) : gradient
        var back = hl_cuda_norm_back()
        back.gradient = gradient.either
        back.addend = addend?.either ?? .none
        back.result = result.either
        var bias: Tensor?
        switch relu {
        case .output(let y):
            precondition(y.type == input.type)
            back.output = y.either
            back.mask = UInt32(HL_CUDA_MASK_OF_OUTPUT)
        case .norm(_, let own):
            bias = own
            back.mask = UInt32(HL_CUDA_MASK_OF_NORM)
        case nil: break
        }
        if addend != nil || wantsResidual && relu != nil { back.kept = gradient.either }
        back.norm = statistics.norm(weight: weight, bias: bias)
        let sums = normBackward(
            back, hl_kernel_norm_back_sums, hl_kernel_norm_back_apply, input: input, weight: weight, statistics)
        gradient.cuda.version += 1
        withExtendedLifetime(addend) {}
        return BatchNormGradients(
            input: result, weight: sums.weight, bias: sums.bias, residual: wantsResidual ? gradient : nil)
    }
}

// MARK: Statistics

extension CUDABackend {
    /// The statistics of a batch, over all ranks' where there are several. Running ones are updated.
    func batchStatistics(
        _ x: Tensor, running: RunningStatistics?, epsilon: Float, groups: Int, over ranks: (any Ranks)?
    ) -> BatchStatistics {
        let channels = x.shape[1], rows = NormRows(x, groups: groups), tiling = rows.tilingOfSums
        let statistics = BatchStatistics(
            mean: allocate([groups, channels]), inverseDeviation: allocate([groups, channels]), groups: groups,
            ofBatch: true, ranks: ranks)
        let partial = allocate([groups * Int(tiling.tiles), 2, channels])
        launch(
            hl_kernel_norm_sums, rows.grid(tiling), hl_cuda_norm_sums(tiling: tiling, x: x.either, partial: partial.f32)
        )
        let count = Float(rows.count * (ranks?.count ?? 1))
        let results = hl_cuda_norm_results(
            mean: statistics.mean.f32, inverse: statistics.inverseDeviation.f32, running_mean: running?.mean.f32,
            running_variance: running?.variance.f32, groups: UInt32(kernel: groups), channels: UInt32(kernel: channels),
            epsilon: epsilon, momentum: running?.momentum ?? 0, unbias: count > 1 ? count / (count - 1) : 1)
        let own = ranks.map { _ in allocate([1, 2 * groups * channels]) }
        launch(
            hl_kernel_norm_statistics, rows.gridOfChannels,
            hl_cuda_norm_statistics(
                results: results, x: x.either, partial: partial.f32, own: own?.f32, rows: tiling.rows,
                tiles: tiling.tiles, count: Double(rows.count)))
        if let ranks, let own {
            let all = ranks.gatherRows(own)
            launch(
                hl_kernel_norm_over_ranks, .over(channels),
                hl_cuda_norm_over_ranks(results: results, all: all.f32, ranks: UInt32(kernel: ranks.count)))
        }
        running?.mean.cuda.version += 1
        running?.variance.cuda.version += 1
        return statistics
    }

    /// y = ReLU(norm(x) + residual). The statistics are written where they are to be kept.
    func applyNorm(
        _ x: Tensor, groups: Int, _ norm: hl_cuda_norm, residual: Tensor?, relu: Bool, keeping: BatchStatistics? = nil
    ) -> Tensor {
        let output = like(x), residual = residual.map { converted($0, to: x.type) }
        precondition(residual == nil || residual?.shape == x.shape)
        let rows = NormRows(x, groups: groups), tiling = rows.tilingOfValues
        launch(
            hl_kernel_norm_apply, rows.grid(tiling),
            hl_cuda_norm_apply(
                tiling: tiling, norm: norm, x: x.either, residual: residual?.either ?? .none, y: output.either,
                mean: keeping?.mean.f32, inverse: keeping?.inverseDeviation.f32, relu: relu ? 1 : 0))
        return output
    }

    /// The way back through a norm, whose gradient of the input goes to `back.result`: that of scale and shift, summed
    /// over groups. What is not about the gradient itself is added to `back`.
    func normBackward(
        _ back: hl_cuda_norm_back, _ sums: hl_kernel, _ apply: hl_kernel, input: Tensor, weight: Tensor?,
        _ statistics: BatchStatistics
    ) -> (weight: Tensor, bias: Tensor) {
        let groups = statistics.groups, channels = input.shape[1], rows = NormRows(input, groups: groups)
        let partial = allocate([groups * Int(rows.tilingOfSums.tiles), 2, channels])
        var back = back
        back.x = input.either
        back.partial = partial.f32
        back.tiling = rows.tilingOfSums
        launch(sums, rows.grid(back.tiling), back)

        let result = (weight: allocate([channels]), bias: allocate([channels]))
        let coefficients = allocate([2, groups, channels])
        let slopes = hl_cuda_norm_slopes(
            mean: statistics.mean.f32, inverse: statistics.inverseDeviation.f32, weight: weight.constants,
            slope: coefficients.f32, offset: coefficients.f32 + groups * channels, groups: UInt32(kernel: groups),
            channels: UInt32(kernel: channels), of_batch: statistics.ofBatch ? 1 : 0,
            count: Double(rows.count * (statistics.ranks?.count ?? 1)))
        let own = statistics.ranks.map { _ in allocate([1, 2 * groups * channels]) }
        launch(
            hl_kernel_norm_back_statistics, rows.gridOfChannels,
            hl_cuda_norm_back_statistics(
                slopes: slopes, partial: partial.f32, weight: result.weight.f32, bias: result.bias.f32, own: own?.f32,
                tiles: back.tiling.tiles))
        if let ranks = statistics.ranks, let own {
            let all = ranks.gatherRows(own)
            launch(
                hl_kernel_norm_back_over_ranks, .over(groups * channels),
                hl_cuda_norm_back_over_ranks(slopes: slopes, all: all.f32, ranks: UInt32(kernel: ranks.count)))
        }

        back.applies(slopes, step: channels)
        back.tiling = rows.tilingOfValues
        launch(apply, rows.grid(back.tiling), back)
        withExtendedLifetime(coefficients) {}
        return result
    }
}

extension hl_cuda_norm_back {
    /// Makes the second pass of the first: a gradient that was kept needs no mask any more.
    mutating func applies(_ slopes: hl_cuda_norm_slopes, step: Int) {
        slope = UnsafePointer(slopes.slope)
        offset = UnsafePointer(slopes.offset)
        self.step = UInt32(kernel: step)
        guard kept.at != nil else { return }
        gradient = kept
        (addend, kept, mask) = (.none, .none, UInt32(HL_CUDA_UNMASKED))
    }
}

extension BatchStatistics {
    /// As kernels take it; the tensors have to outlive their launch.
    func norm(weight: Tensor?, bias: Tensor?) -> hl_cuda_norm {
        hl_cuda_norm(
            mean: mean.f32, inverse: inverseDeviation.f32, variance: nil, weight: weight.constants,
            bias: bias.constants, statistics_step: UInt32(kernel: mean.shape[1]), affine_step: 0, epsilon: 0)
    }
}
