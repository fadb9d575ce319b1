import CKernels
import HLTensor

extension CPUBackend {
    package func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        precondition(x.shape[0] % groups == 0)
        let channels = x.shape[1]
        let planes = x.planes.part(of: groups)
        let mean = allocate([groups, planes.channels]), deviation = allocate([groups, planes.channels])
        let variances = allocate([groups, planes.channels])
        let output = like(x)
        let residual = residual.map { matched($0, to: x) }
        let groupStride = planes.samples * planes.channels * planes.positions
        let count = Float(planes.samples * planes.positions)
        forEachBlock(planes, groups: groups) { scratch, group, which in
            let first = which * planes.block, at = group * planes.channels + first
            hl_batch_norm_statistics(
                planes, which, x.values(at: group * groupStride), mean.floats + at, variances.floats + at, scratch)
            // y = x · scale + shift; channels of the padding get 0 for both and stay 0.
            let scale = scratch, shift = scratch + planes.block
            for index in 0..<planes.block {
                let channel = first + index
                let inverse = 1 / (variances.floats[at + index] + epsilon).squareRoot()
                deviation.floats[at + index] = inverse
                let isPadding = channel >= channels
                scale[index] = isPadding ? 0 : inverse * (weight?.floats[channel] ?? 1)
                shift[index] =
                    isPadding ? 0 : (bias?.floats[channel] ?? 0) - mean.floats[at + index] * scale[index]
            }
            hl_batch_norm_apply(
                planes, which, x.values(at: group * groupStride), residual?.values(at: group * groupStride),
                output.values(at: group * groupStride), scale, shift, relu ? 1 : 0)
        }
        if let running { update(running, mean, variances, groups: groups, count: count) }
        return (output, BatchStatistics(mean: mean, inverseDeviation: deviation, groups: groups, ofBatch: true))
    }

    /// The statistics of a whole batch alone.
    func batchStatistics(_ x: Tensor, running: RunningStatistics?, epsilon: Float) -> BatchStatistics {
        let planes = x.planes
        let mean = allocate([1, planes.channels]), deviation = allocate([1, planes.channels])
        let variances = allocate([1, planes.channels])
        forEachBlock(planes, groups: 1) { scratch, _, which in
            let first = which * planes.block
            hl_batch_norm_statistics(planes, which, x.values(), mean.floats + first, variances.floats + first, scratch)
            for index in first..<first + planes.block {
                deviation.floats[index] = 1 / (variances.floats[index] + epsilon).squareRoot()
            }
        }
        if let running { update(running, mean, variances, groups: 1, count: Float(planes.samples * planes.positions)) }
        return BatchStatistics(mean: mean, inverseDeviation: deviation, groups: 1, ofBatch: true)
    }

    /// Takes the means and variances of groups, padded, of `count` values a channel into running ones.
    private func update(
        _ running: RunningStatistics, _ mean: Tensor, _ variances: Tensor, groups: Int, count: Float
    ) {
        let unbias = count > 1 ? count / (count - 1) : 1, stride = mean.elementCount / groups
        for group in 0..<groups {
            for channel in 0..<running.mean.elementCount {
                let at = group * stride + channel
                blend(running.mean.floats + channel, mean.floats[at], running.momentum)
                blend(running.variance.floats + channel, variances.floats[at] * unbias, running.momentum)
            }
        }
        running.mean.cpu.version += 1
        running.variance.cpu.version += 1
    }

    private func blend(_ target: UnsafeMutablePointer<Float>, _ value: Float, _ momentum: Float) {
        target.pointee = (1 - momentum) * target.pointee + momentum * value
    }

    package func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let channels = x.shape[1]
        let planes = x.planes
        let mean = allocate([1, planes.channels]), deviation = allocate([1, planes.channels])
        let output = like(x)
        let residual = residual.map { matched($0, to: x) }
        forEachBlock(planes, groups: 1) { scratch, _, which in
            let first = which * planes.block
            let scale = scratch, shift = scratch + planes.block
            for index in 0..<planes.block {
                let channel = first + index
                guard channel < channels else {
                    (mean.floats[channel], deviation.floats[channel], scale[index], shift[index]) = (0, 0, 0, 0)
                    continue
                }
                mean.floats[channel] = running.mean.floats[channel]
                deviation.floats[channel] = 1 / (running.variance.floats[channel] + epsilon).squareRoot()
                scale[index] = deviation.floats[channel] * (weight?.floats[channel] ?? 1)
                shift[index] = (bias?.floats[channel] ?? 0) - mean.floats[channel] * scale[index]
            }
            hl_batch_norm_apply(
                planes, which, x.values(), residual?.values(), output.values(), scale, shift, relu ? 1 : 0)
        }
        return (output, BatchStatistics(mean: mean, inverseDeviation: deviation, groups: 1, ofBatch: false))
    }

    /// With ĝ = the gradient behind ReLU and x̂ the normalised input, per channel and group of N values:
    /// dβ = Σ ĝ, dγ = Σ ĝ x̂, dx = γ/σ · (ĝ − dβ/N − x̂ dγ/N); by fixed statistics just dx = γ/σ · ĝ.
    package func batchNormBackward(
        _ gradient: Tensor, input: Tensor, output: Tensor?, weight: Tensor?, statistics: BatchStatistics,
        wantsResidual: Bool
    ) -> BatchNormGradients {
        let channels = input.shape[1], groups = statistics.groups
        let planes = input.planes.part(of: groups)
        let gradient = matched(gradient, to: input)
        let inputGradient = like(input)
        let residualGradient = wantsResidual ? like(input) : nil
        let weightGradients = allocate([groups, planes.channels]), biasGradients = allocate([groups, planes.channels])
        let groupStride = planes.samples * planes.channels * planes.positions
        let count = Double(planes.samples * planes.positions)
        forEachBlock(planes, groups: groups) { scratch, group, which in
            let first = which * planes.block, at = group * planes.channels + first, start = group * groupStride
            let mean = statistics.mean.floats + at, deviation = statistics.inverseDeviation.floats + at
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * planes.block) { sums in
                guard let sum = sums.baseAddress else { return }
                let centred = sum + planes.block
                hl_batch_norm_backward_sums(
                    planes, which, gradient.values(at: start), output?.values(at: start), input.values(at: start),
                    mean, sum, centred, scratch)
                let a = scratch, b = scratch + planes.block, c = scratch + 2 * planes.block
                for index in 0..<planes.block {
                    let inverse = Double(deviation[index])
                    weightGradients.floats[at + index] = Float(centred[index] * inverse)
                    biasGradients.floats[at + index] = Float(sum[index])
                    let channel = first + index
                    guard channel < channels else {
                        (a[index], b[index], c[index]) = (0, 0, 0)
                        continue
                    }
                    let scale = inverse * Double(weight?.floats[channel] ?? 1)
                    a[index] = Float(scale)
                    guard statistics.ofBatch else {
                        (b[index], c[index]) = (0, 0)
                        continue
                    }
                    let slope = -scale * inverse * inverse * centred[index] / count
                    b[index] = Float(slope)
                    c[index] = Float(-scale * sum[index] / count - slope * Double(mean[index]))
                }
                hl_batch_norm_backward_apply(
                    planes, which, gradient.values(at: start), output?.values(at: start), input.values(at: start),
                    inputGradient.values(at: start), residualGradient?.values(at: start), a, b, c)
            }
        }
        return BatchNormGradients(
            input: inputGradient, weight: sumGroups(weightGradients, channels),
            bias: sumGroups(biasGradients, channels), residual: residualGradient)
    }

    /// Per-group vectors, padded, added up to one vector [C].
    private func sumGroups(_ parts: Tensor, _ channels: Int) -> Tensor {
        let result = constant(0, shape: [channels])
        for group in 0..<parts.shape[0] {
            hl_axpy(1, parts.floats + group * parts.shape[1], result.floats, channels)
        }
        return result
    }

    /// Calls `body` for every group and block of channels, with four floats of scratch per channel of the block.
    private func forEachBlock(
        _ planes: hl_planes, groups: Int, _ body: (UnsafeMutablePointer<Float>, Int, Int) -> Void
    ) {
        let grain = max(1, Self.elementGrain / max(1, planes.samples * planes.positions * planes.block))
        parallel(groups * planes.blocks, grain: grain) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * planes.block) { scratch in
                guard let scratch = scratch.baseAddress else { return }
                for task in range { body(scratch, task / planes.blocks, task % planes.blocks) }
            }
        }
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

extension hl_planes {
    /// Channels in memory, padding included.
    var channels: Int { blocks * block }

    /// One of so many equal parts of the samples.
    func part(of groups: Int) -> hl_planes {
        hl_planes(samples: samples / groups, blocks: blocks, positions: positions, block: block, narrow: narrow)
    }
}
