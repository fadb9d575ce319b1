import CKernels
import HLTensor

/// The work of batch norm on the parts of a batch.
extension CPUBackend {
    /// The statistics of a batch, over all ranks' where there are several; `apply` makes of each part what is to be made of
    /// it, as soon as its own are known.
    func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        over ranks: (any Ranks)?, apply: (NormBlock) -> Void
    ) -> BatchStatistics {
        let parts = NormParts(x, groups: groups, on: self), planes = parts.planes
        let mean = allocate([groups, planes.channels]), deviation = allocate([groups, planes.channels])
        let variances = allocate([groups, planes.channels])
        let statistics = BatchStatistics(
            mean: mean, inverseDeviation: deviation, groups: groups, ofBatch: true, ranks: ranks)
        let pivots = pivots(x, planes, groups: groups)
        let sums = NormSums(parts.channels.count, on: self), count = planes.samples * planes.positions
        inTwoSteps(
            parts, sums,
            add: { part, plain, square, scratch in
                hl_batch_norm_moments(
                    part.planes, part.which, x.values(at: part.start), pivots.floats + part.channel, plain, square,
                    scratch)
            },
            added: {
                let first = $0.lowerBound
                hl_batch_norm_statistics(
                    $0.count, Double(count), pivots.floats + first, sums.plain + first, sums.centred + first,
                    mean.floats + first, variances.floats + first)
            },
            between: ranks.map { ranks in { self.combine(mean, variances, over: ranks) } },
            prepare: {
                let (inverse, variances) = (deviation.floats, variances.floats)
                for index in $0 { inverse[index] = 1 / (variances[index] + epsilon).squareRoot() }
                parts.prepare($0, statistics, weight, bias, count: x.shape[1])
            }, apply: apply)
        if let running {
            update(running, mean, variances, groups: groups, count: Float(count * (ranks?.count ?? 1)))
        }
        return statistics
    }

    /// The first value of every channel of each group, [groups, channels with padding].
    private func pivots(_ x: Tensor, _ planes: hl_planes, groups: Int) -> Tensor {
        let result = allocate([groups, planes.channels])
        for index in 0..<groups * planes.blocks {
            hl_batch_norm_pivot(
                planes, index % planes.blocks, x.values(at: index / planes.blocks * planes.count),
                result.floats + index * planes.block)
        }
        return result
    }

    /// The gradients of scale and shift, summed over groups. `add` adds up ĝ and ĝ · (x − mean) of a part, ĝ being the
    /// gradient behind ReLU, with two floats of scratch per channel; `apply` then has the coefficients of
    /// dx = a · ĝ + b · x + c.
    func batchNormBackward(
        _ input: Tensor, weight: Tensor?, bias: Tensor?, statistics: BatchStatistics,
        add: (
            _ part: NormBlock, _ mean: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Double>,
            _ centred: UnsafeMutablePointer<Double>, _ scratch: UnsafeMutablePointer<Float>
        ) -> Void,
        apply: (
            _ part: NormBlock, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>
        ) -> Void
    ) -> (weight: Tensor, bias: Tensor) {
        let channels = input.shape[1], groups = statistics.groups, ranks = statistics.ranks
        let parts = NormParts(input, groups: groups, on: self), planes = parts.planes
        let weights = allocate([groups, planes.channels]), biases = allocate([groups, planes.channels])
        let count = Double(planes.samples * planes.positions * (ranks?.count ?? 1))
        let sums = NormSums(parts.channels.count, on: self)
        let coefficients = allocate([3, parts.channels.count])
        let (a, b) = (coefficients.floats, coefficients.floats + parts.channels.count)
        let c = b + parts.channels.count
        let (mean, inverses) = (statistics.mean.floats, statistics.inverseDeviation.floats)
        // ReLU's mask may ask for scale and shift before the sums are known.
        parts.prepare(parts.channels, statistics, weight, bias, count: channels)
        inTwoSteps(
            parts, sums,
            add: { part, plain, centred, scratch in add(part, mean + part.channel, plain, centred, scratch) },
            added: {
                let (weights, biases) = (weights.floats, biases.floats)
                for index in $0 {
                    weights[index] = Float(sums.centred[index] * Double(inverses[index]))
                    biases[index] = Float(sums.plain[index])
                }
            },
            between: ranks.map { ranks in { sums.add(over: ranks, on: self) } },
            prepare: {
                let weight = weight?.floats
                for index in $0 {
                    let channel = index % planes.channels, inverse = Double(inverses[index])
                    guard channel < channels else {
                        (a[index], b[index], c[index]) = (0, 0, 0)
                        continue
                    }
                    let scale = inverse * Double(weight?[channel] ?? 1)
                    a[index] = Float(scale)
                    guard statistics.ofBatch else {
                        (b[index], c[index]) = (0, 0)
                        continue
                    }
                    let slope = -scale * inverse * inverse * sums.centred[index] / count
                    b[index] = Float(slope)
                    c[index] = Float(-scale * sums.plain[index] / count - slope * Double(mean[index]))
                }
            },
            apply: { part in apply(part, a + part.channel, b + part.channel, c + part.channel) })
        withExtendedLifetime(coefficients) {}
        return (sumGroups(weights, channels), sumGroups(biases, channels))
    }

    /// Means and variances of all ranks together, in place, from those of each, of as many values (Chan, Golub & LeVeque
    /// 1983), in rank order: the same bits on every rank.
    private func combine(_ mean: Tensor, _ variances: Tensor, over ranks: any Ranks) {
        let count = mean.elementCount, share = 1 / Double(ranks.count)
        let gathered = ranks.gatherRows(concatenate([mean, variances].map { reshaped($0, [1, count]) }))
        defer { withExtendedLifetime(gathered) {} }
        let all = gathered.floats
        for index in 0..<count {
            func value(_ rank: Int, _ which: Int) -> Double { Double(all[(2 * rank + which) * count + index]) }
            var centre = 0.0, spread = 0.0
            for rank in 0..<ranks.count { centre += value(rank, 0) * share }
            for rank in 0..<ranks.count {
                let distance = value(rank, 0) - centre
                spread += (value(rank, 1) + distance * distance) * share
            }
            mean.floats[index] = Float(centre)
            variances.floats[index] = Float(spread)
        }
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

    /// Per-group vectors, padded, added up to one vector [C].
    private func sumGroups(_ parts: Tensor, _ channels: Int) -> Tensor {
        let result = constant(0, shape: [channels])
        for group in 0..<parts.shape[0] {
            hl_axpy(1, parts.floats + group * parts.shape[1], result.floats, channels)
        }
        return result
    }
}
