import CKernels
import HLTensor

extension CPUBackend {
    package func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let output = like(x), residual = residual.map { matched($0, to: x) }
        let statistics = batchNorm(
            x, weight: weight, bias: bias, running: running, epsilon: epsilon, groups: groups, over: ranks
        ) { part in
            hl_batch_norm_apply(
                part.planes, part.which, x.values(at: part.start), residual?.values(at: part.start),
                output.values(at: part.start), part.scale, part.shift, relu ? 1 : 0)
        }
        return (output, statistics)
    }

    /// The statistics of a whole batch alone, over all ranks' where there are several.
    func batchStatistics(
        _ x: Tensor, running: RunningStatistics?, epsilon: Float, over ranks: (any Ranks)?
    ) -> BatchStatistics {
        batchNorm(x, weight: nil, bias: nil, running: running, epsilon: epsilon, groups: 1, over: ranks) { _ in }
    }

    package func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let channels = x.shape[1], parts = NormParts(x, groups: 1, on: self)
        let mean = constant(0, shape: [1, parts.planes.channels])
        let deviation = constant(0, shape: [1, parts.planes.channels])
        for channel in 0..<channels {
            mean.floats[channel] = running.mean.floats[channel]
            deviation.floats[channel] = 1 / (running.variance.floats[channel] + epsilon).squareRoot()
        }
        let statistics = BatchStatistics(mean: mean, inverseDeviation: deviation, groups: 1, ofBatch: false)
        parts.prepare(parts.channels, statistics, weight, bias, count: channels)
        let output = like(x), residual = residual.map { matched($0, to: x) }
        forEachPart(parts) { _, part, _ in
            hl_batch_norm_apply(
                part.planes, part.which, x.values(at: part.start), residual?.values(at: part.start),
                output.values(at: part.start), part.scale, part.shift, relu ? 1 : 0)
        }
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
        let gradient = matched(gradient, to: input), addend = addend.map { matched($0, to: input) }
        let inputGradient = wantsResidual ? like(input) : gradient
        let isKept = addend != nil || wantsResidual && relu != nil
        var bias: Tensor?
        if case .norm(_, let own) = relu { bias = own }
        func mask(_ part: NormBlock) -> hl_relu_mask {
            switch relu {
            case .output(let y): hl_relu_mask(output: y.values(at: part.start), scale: nil, shift: nil)
            case .norm: hl_relu_mask(output: nil, scale: part.scale, shift: part.shift)
            case nil: hl_relu_mask(output: nil, scale: nil, shift: nil)
            }
        }
        let (weightGradient, biasGradient) = batchNormBackward(
            input, weight: weight, bias: bias, statistics: statistics,
            add: { part, mean, sum, centred, scratch in
                hl_batch_norm_backward_sums(
                    part.planes, part.which, gradient.values(at: part.start), addend?.values(at: part.start),
                    mask(part), input.values(at: part.start), mean, sum, centred,
                    isKept ? gradient.values(at: part.start) : nil, scratch)
            },
            apply: { part, a, b, c in
                hl_batch_norm_backward_apply(
                    part.planes, part.which, gradient.values(at: part.start),
                    isKept ? hl_relu_mask(output: nil, scale: nil, shift: nil) : mask(part),
                    input.values(at: part.start), inputGradient.values(at: part.start), a, b, c)
            })
        gradient.cpu.version += 1
        return BatchNormGradients(
            input: inputGradient, weight: weightGradient, bias: biasGradient,
            residual: wantsResidual ? gradient : nil)
    }

    package func normaliseRows(_ x: Tensor) -> (output: Tensor, norms: Tensor) {
        let output = like(x), norms = allocate([x.shape[0]])
        forEachRow(x) { hl_normalise_rows(x.floats, output.floats, norms.floats, $0, $1, x.shape[1]) }
        return (output, norms)
    }

    package func normaliseRowsBackward(_ gradient: Tensor, output: Tensor, norms: Tensor) -> Tensor {
        let result = like(gradient)
        forEachRow(gradient) {
            hl_normalise_rows_backward(
                output.floats, norms.floats, gradient.floats, result.floats, $0, $1, gradient.shape[1])
        }
        return result
    }
}
