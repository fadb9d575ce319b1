import CKernels
import HLTensor

/// A block of channels of one group of samples, as the kernels of batch norm take it.
struct NormBlock {
    /// Those of one group.
    let planes: hl_planes
    /// Which block of channels.
    let which: Int
    /// The group's first value among those of the batch.
    let start: Int
    /// norm(x) = x · scale + shift, a value per channel of the block; both are 0 for channels of the padding, which stay 0.
    let scale, shift: UnsafePointer<Float>
}

/// The work of batch norm on all groups and blocks of channels, each on one thread, so that no sum crosses threads.
extension CPUBackend {
    /// The statistics of a batch, over all ranks' where there are several; `apply` makes of each block what is to be made of
    /// it, as soon as its own are known.
    func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        over ranks: (any Ranks)?, apply: (NormBlock) -> Void
    ) -> BatchStatistics {
        precondition(x.shape[0] % groups == 0)
        let planes = x.planes.part(of: groups)
        let mean = allocate([groups, planes.channels]), deviation = allocate([groups, planes.channels])
        let variances = allocate([groups, planes.channels])
        let statistics = BatchStatistics(
            mean: mean, inverseDeviation: deviation, groups: groups, ofBatch: true, ranks: ranks)
        inTwoSteps(
            planes, groups: groups,
            first: { scratch, group, which in
                let at = group * planes.channels + which * planes.block
                hl_batch_norm_statistics(
                    planes, which, x.values(at: group * planes.count), mean.floats + at, variances.floats + at, scratch)
            },
            between: ranks.map { ranks in { self.combine(mean, variances, over: ranks) } },
            second: { scratch, group, which in
                let at = group * planes.channels + which * planes.block
                for index in at..<at + planes.block {
                    deviation.floats[index] = 1 / (variances.floats[index] + epsilon).squareRoot()
                }
                apply(block(planes, group, which, statistics, weight, bias, channels: x.shape[1], scratch))
            })
        let count = Float(planes.samples * planes.positions * (ranks?.count ?? 1))
        if let running { update(running, mean, variances, groups: groups, count: count) }
        return statistics
    }

    /// The gradients of scale and shift, summed over groups. `add` adds up ĝ and ĝ · (x − mean) of a block, ĝ being the
    /// gradient behind ReLU, with two floats of scratch per channel; `apply` then has the coefficients of
    /// dx = a · ĝ + b · x + c.
    func batchNormBackward(
        _ input: Tensor, weight: Tensor?, bias: Tensor?, statistics: BatchStatistics,
        add: (
            _ block: NormBlock, _ mean: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Double>,
            _ centred: UnsafeMutablePointer<Double>, _ scratch: UnsafeMutablePointer<Float>
        ) -> Void,
        apply: (
            _ block: NormBlock, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>
        ) -> Void
    ) -> (weight: Tensor, bias: Tensor) {
        let channels = input.shape[1], groups = statistics.groups, ranks = statistics.ranks
        let planes = input.planes.part(of: groups)
        let weights = allocate([groups, planes.channels]), biases = allocate([groups, planes.channels])
        let count = Double(planes.samples * planes.positions * (ranks?.count ?? 1))
        let sums = NormSums(groups * planes.channels)
        inTwoSteps(
            planes, groups: groups,
            first: { scratch, group, which in
                let at = group * planes.channels + which * planes.block
                let block = block(planes, group, which, statistics, weight, bias, channels: channels, scratch)
                add(
                    block, statistics.mean.floats + at, sums.plain + at, sums.centred + at,
                    scratch + 2 * planes.block)
                for index in at..<at + planes.block {
                    weights.floats[index] =
                        Float(sums.centred[index] * Double(statistics.inverseDeviation.floats[index]))
                    biases.floats[index] = Float(sums.plain[index])
                }
            },
            between: ranks.map { ranks in { sums.add(over: ranks, on: self) } },
            second: { scratch, group, which in
                let first = which * planes.block, at = group * planes.channels + first
                let block = block(planes, group, which, statistics, weight, bias, channels: channels, scratch)
                let a = scratch + 2 * planes.block, b = scratch + 3 * planes.block, c = scratch + 4 * planes.block
                for index in 0..<planes.block {
                    let channel = first + index, inverse = Double(statistics.inverseDeviation.floats[at + index])
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
                    let slope = -scale * inverse * inverse * sums.centred[at + index] / count
                    b[index] = Float(slope)
                    c[index] = Float(
                        -scale * sums.plain[at + index] / count - slope * Double(statistics.mean.floats[at + index]))
                }
                apply(block, a, b, c)
            })
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

    /// A block, whose scale and shift, forward and backward the same to the bit, go to the beginning of `scratch`.
    func block(
        _ planes: hl_planes, _ group: Int, _ which: Int, _ statistics: BatchStatistics, _ weight: Tensor?,
        _ bias: Tensor?, channels: Int, _ scratch: UnsafeMutablePointer<Float>
    ) -> NormBlock {
        let first = which * planes.block, at = group * planes.channels + first
        let scale = scratch, shift = scratch + planes.block
        for index in 0..<planes.block {
            let channel = first + index, isPadding = channel >= channels
            scale[index] =
                isPadding ? 0 : statistics.inverseDeviation.floats[at + index] * (weight?.floats[channel] ?? 1)
            shift[index] =
                isPadding ? 0 : (bias?.floats[channel] ?? 0) - statistics.mean.floats[at + index] * scale[index]
        }
        return NormBlock(
            planes: planes, which: which, start: group * planes.count, scale: UnsafePointer(scale),
            shift: UnsafePointer(shift))
    }

    /// Both steps for every group and block of channels, one right behind the other while a block is in the cache, or all
    /// first ones, what lies between, and all second ones.
    private func inTwoSteps(
        _ planes: hl_planes, groups: Int, first: (UnsafeMutablePointer<Float>, Int, Int) -> Void,
        between: (() -> Void)?, second: (UnsafeMutablePointer<Float>, Int, Int) -> Void
    ) {
        guard let between else {
            forEachBlock(planes, groups: groups) {
                first($0, $1, $2)
                second($0, $1, $2)
            }
            return
        }
        forEachBlock(planes, groups: groups, first)
        between()
        forEachBlock(planes, groups: groups, second)
    }

    /// Calls `body` for every group and block of channels, with five floats of scratch per channel of the block.
    func forEachBlock(
        _ planes: hl_planes, groups: Int, _ body: (UnsafeMutablePointer<Float>, Int, Int) -> Void
    ) {
        let grain = max(1, Self.elementGrain / max(1, planes.samples * planes.positions * planes.block))
        parallel(groups * planes.blocks, grain: grain) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 5 * planes.block) { scratch in
                guard let scratch = scratch.baseAddress else { return }
                for task in range { body(scratch, task / planes.blocks, task % planes.blocks) }
            }
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

/// Σ ĝ and Σ ĝ · (x − mean) per group and channel.
final class NormSums {
    let plain: UnsafeMutablePointer<Double>
    let centred: UnsafeMutablePointer<Double>
    private let count: Int

    init(_ count: Int) {
        self.count = count
        plain = .allocate(capacity: 2 * count)
        centred = plain + count
    }

    deinit { plain.deallocate() }

    /// Those of all ranks, in place, in rank order.
    func add(over ranks: any Ranks, on backend: CPUBackend) {
        let own = backend.allocate([1, 2 * count])
        for index in 0..<2 * count { own.floats[index] = Float(plain[index]) }
        let gathered = ranks.gatherRows(own)
        defer { withExtendedLifetime(gathered) {} }
        let all = gathered.floats
        for index in 0..<2 * count {
            plain[index] = (0..<ranks.count).reduce(0) { $0 + Double(all[$1 * 2 * count + index]) }
        }
    }
}

extension hl_planes {
    /// Channels in memory, padding included.
    var channels: Int { blocks * block }

    /// Values in memory.
    var count: Int { samples * channels * positions }

    /// One of so many equal parts of the samples.
    func part(of groups: Int) -> hl_planes {
        hl_planes(samples: samples / groups, blocks: blocks, positions: positions, block: block, narrow: narrow)
    }
}
