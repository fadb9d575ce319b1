import CKernels
import HLTensor

/// Conditional batch norm with ReLU in two passes over memory each way: sums, then all else.
extension CPUBackend {
    package func conditionalNorm(
        _ x: Tensor, gain: Tensor, shift: Tensor, running: RunningStatistics?, epsilon: Float, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let statistics = batchStatistics(x, running: running, epsilon: epsilon, over: ranks)
        let planes = x.cutPlanes, output = like(x)
        let whole = coefficients(of: planes, x.shape[1], gain: gain, shift: shift, statistics)
        var description = hl_modulation()
        description.out = planes
        description.source_step = planes.step
        description.width = x.shape[3]
        description.activation = hl_activation(slope: 0, gain: 1, clamp: .infinity)
        description.scale = UnsafePointer(whole.scale.floats)
        description.shift = UnsafePointer(whole.shift.floats)
        description.scale_stride = planes.channels
        description.shift_stride = planes.channels
        withUnsafePointer(to: description) { description in
            parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
                for task in tasks { hl_modulate(description, task, x.values(), output.values()) }
            }
        }
        return (output, statistics)
    }

    /// With ĝ = the gradient behind ReLU, γ the gain and x̂ the normalised input, per channel of N values:
    /// dγ = Σ ĝ x̂ and dβ = Σ ĝ per sample, dx = 1/σ · (γ ĝ − Σ γ dβ / N − x̂ Σ γ dγ / N).
    package func conditionalNormBackward(
        _ gradient: Tensor, input: Tensor, gain: Tensor, shift: Tensor, statistics: BatchStatistics
    ) -> ConditionalNormGradients {
        let planes = input.cutPlanes, channels = input.shape[1], stride = planes.channels
        let gradient = matched(gradient, to: input), result = like(input)
        let whole = coefficients(of: planes, channels, gain: gain, shift: shift, statistics)
        let sums = allocate([planes.samples, stride]), centred = allocate([planes.samples, stride])
        parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
            for task in tasks {
                hl_conditional_norm_sums(
                    planes, task, input.values(), gradient.values(), whole.scale.floats, whole.shift.floats,
                    statistics.mean.floats, sums.floats, centred.floats)
            }
        }
        let gains = allocate([planes.samples, channels]), shifts = allocate([planes.samples, channels])
        let onInput = constant(0, shape: [stride]), offset = constant(0, shape: [stride])
        let count = Double(planes.samples * planes.positions * (statistics.ranks?.count ?? 1))
        // Of γ ĝ and γ ĝ · (x − mean).
        let totals = NormSums(channels, on: self)
        defer { withExtendedLifetime(totals) {} }
        for channel in 0..<channels {
            let inverse = Double(statistics.inverseDeviation.floats[channel])
            var sum = 0.0, slope = 0.0
            for sample in 0..<planes.samples {
                let at = sample * stride + channel, target = sample * channels + channel
                gains.floats[target] = Float(Double(centred.floats[at]) * inverse)
                shifts.floats[target] = sums.floats[at]
                sum += Double(gain.floats[target]) * Double(sums.floats[at])
                slope += Double(gain.floats[target]) * Double(centred.floats[at])
            }
            (totals.plain[channel], totals.centred[channel]) = (sum, slope)
        }
        if let ranks = statistics.ranks { totals.add(over: ranks, on: self) }
        for channel in 0..<channels {
            let inverse = Double(statistics.inverseDeviation.floats[channel])
            let onX = -inverse * inverse * inverse * totals.centred[channel] / count
            onInput.floats[channel] = Float(onX)
            offset.floats[channel] = Float(
                -inverse * totals.plain[channel] / count - onX * Double(statistics.mean.floats[channel]))
        }
        parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
            for task in tasks {
                hl_conditional_norm_apply(
                    planes, task, input.values(), gradient.values(), whole.scale.floats, whole.shift.floats,
                    onInput.floats, offset.floats, result.values())
            }
        }
        return ConditionalNormGradients(input: result, gain: gains, shift: shifts)
    }

    /// gain / σ and shift − mean · gain / σ, [B, channels with padding], 0 in the padding.
    private func coefficients(
        of planes: hl_planes, _ channels: Int, gain: Tensor, shift: Tensor, _ statistics: BatchStatistics
    ) -> (scale: Tensor, shift: Tensor) {
        precondition(gain.shape == [planes.samples, channels] && shift.shape == gain.shape)
        let stride = planes.channels
        let scales = constant(0, shape: [planes.samples, stride]),
            shifts = constant(0, shape: [planes.samples, stride])
        let (mean, inverse) = (statistics.mean.floats, statistics.inverseDeviation.floats)
        for sample in 0..<planes.samples {
            let (from, to) = (sample * channels, sample * stride)
            for channel in 0..<channels {
                let scale = gain.floats[from + channel] * inverse[channel]
                scales.floats[to + channel] = scale
                shifts.floats[to + channel] = shift.floats[from + channel] - mean[channel] * scale
            }
        }
        return (scales, shifts)
    }

    private func grain(_ planes: hl_planes) -> Int {
        max(1, Self.elementGrain / max(1, planes.positions * planes.block))
    }
}
