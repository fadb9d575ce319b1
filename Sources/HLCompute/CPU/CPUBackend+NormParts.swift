import CKernels
import HLTensor

/// A part of a batch as the kernels of batch norm take it.
struct NormBlock {
    /// Its samples.
    let planes: hl_planes
    /// Which block of channels.
    let which: Int
    /// Its first value among those of the batch.
    let start: Int
    /// Its first channel among those of all groups, [groups, channels with padding].
    let channel: Int
    /// norm(x) = x · scale + shift, a value per channel of the block; both are 0 for channels of the padding, which stay 0.
    let scale, shift: UnsafePointer<Float>
}

/// The parts of a batch, each on one thread: blocks of channels of a group of samples, whose sums cross no thread; or, channels
/// last, samples with all their channels, whose sums are added up in order afterwards. That is how either lies in memory, and
/// the sums are the same.
struct NormParts {
    /// Those of one group.
    let planes: hl_planes
    let groups: Int
    let areSamples: Bool
    /// [groups, channels with padding]
    private let scale, shift: Tensor

    init(_ x: Tensor, groups: Int, on backend: CPUBackend) {
        precondition(x.shape[0] % groups == 0)
        planes = x.planes.part(of: groups)
        self.groups = groups
        areSamples = x.cpu.layout == .channelsLast
        scale = backend.allocate([groups, planes.channels])
        shift = backend.allocate([groups, planes.channels])
    }

    var count: Int { groups * (areSamples ? planes.samples : planes.blocks) }
    /// Values of the smallest part.
    var size: Int { planes.positions * planes.block * (areSamples ? 1 : planes.samples) }
    /// Channels of all groups.
    var channels: Range<Int> { 0..<groups * planes.channels }

    subscript(_ index: Int) -> NormBlock {
        let group = index / (areSamples ? planes.samples : planes.blocks)
        let which = areSamples ? 0 : index % planes.blocks
        let channel = group * planes.channels + which * planes.block
        return NormBlock(
            planes: areSamples ? planes.part(of: planes.samples) : planes, which: which,
            start: areSamples ? index * size : group * planes.count, channel: channel,
            scale: UnsafePointer(scale.floats + channel), shift: UnsafePointer(shift.floats + channel))
    }

    /// Makes scale and shift of channels of all groups, forward and backward the same to the bit. `count` is that of channels
    /// without padding.
    func prepare(_ range: Range<Int>, _ statistics: BatchStatistics, _ weight: Tensor?, _ bias: Tensor?, count: Int) {
        let (mean, inverse) = (statistics.mean.floats, statistics.inverseDeviation.floats)
        let (weight, bias, scale, shift) = (weight?.floats, bias?.floats, self.scale.floats, self.shift.floats)
        for index in range {
            let channel = index % planes.channels, isPadding = channel >= count
            scale[index] = isPadding ? 0 : inverse[index] * (weight?[channel] ?? 1)
            shift[index] = isPadding ? 0 : (bias?[channel] ?? 0) - mean[index] * scale[index]
        }
    }
}

/// Two sums in double of every channel, [rows, channels] each.
final class NormSums {
    let plain: UnsafeMutablePointer<Double>
    let centred: UnsafeMutablePointer<Double>
    private let count: Int
    private let storage: CPUStorage

    init(_ count: Int, on backend: CPUBackend) {
        self.count = count
        storage = backend.storage(bytes: 2 * count * MemoryLayout<Double>.size)
        plain = UnsafeMutableRawPointer(storage.bytes).assumingMemoryBound(to: Double.self)
        centred = plain + count
    }

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

    /// Takes, for channels of all groups, the sums over the rows of each group of `parts`, in order.
    func take(_ parts: NormSums, _ range: Range<Int>, rows: Int, channels: Int) {
        for index in range {
            let first = index / channels * rows * channels + index % channels
            (plain[index], centred[index]) = (0, 0)
            for at in stride(from: first, to: first + rows * channels, by: channels) {
                plain[index] += parts.plain[at]
                centred[index] += parts.centred[at]
            }
        }
    }
}

extension CPUBackend {
    /// Two steps over all parts, one right behind the other while a part is in the cache, or all first ones, what lies
    /// between, and all second ones.
    ///
    /// - Parameters:
    ///   - add: the sums of a part, `block` values each, with four floats of scratch per channel.
    ///   - added: is called when the sums of channels, among those of all groups, are complete.
    ///   - prepare: is called before `apply`, for the part's channels.
    func inTwoSteps(
        _ parts: NormParts, _ sums: NormSums,
        add: (
            _ part: NormBlock, _ plain: UnsafeMutablePointer<Double>, _ centred: UnsafeMutablePointer<Double>,
            _ scratch: UnsafeMutablePointer<Float>
        ) -> Void,
        added: (Range<Int>) -> Void, between: (() -> Void)?, prepare: (Range<Int>) -> Void, apply: (NormBlock) -> Void
    ) {
        func first(_ part: NormBlock, _ scratch: UnsafeMutablePointer<Float>) {
            add(part, sums.plain + part.channel, sums.centred + part.channel, scratch)
            added(part.channel..<part.channel + part.planes.block)
        }
        func second(_ part: NormBlock) {
            prepare(part.channel..<part.channel + part.planes.block)
            apply(part)
        }
        if parts.areSamples {
            addSamples(parts, sums, add)
            added(parts.channels)
            between?()
            prepare(parts.channels)
            forEachPart(parts, backwards: true) { _, part, _ in apply(part) }
        } else if let between {
            forEachPart(parts) { _, part, scratch in first(part, scratch) }
            between()
            forEachPart(parts) { _, part, _ in second(part) }
        } else {
            forEachPart(parts) { _, part, scratch in
                first(part, scratch)
                second(part)
            }
        }
    }

    private func addSamples(
        _ parts: NormParts, _ sums: NormSums,
        _ add: (
            NormBlock, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Float>
        ) -> Void
    ) {
        let channels = parts.planes.channels, rows = NormSums(parts.count * channels, on: self)
        forEachPart(parts) { index, part, scratch in
            add(part, rows.plain + index * channels, rows.centred + index * channels, scratch)
        }
        parallel(parts.channels.count, grain: max(16, Self.elementGrain / max(1, parts.planes.samples))) {
            sums.take(rows, $0, rows: parts.planes.samples, channels: channels)
        }
    }

    /// Calls `body` for every part with its number, and four floats of scratch per channel of a block. Backwards what came last
    /// comes first, as it may still be in the cache.
    func forEachPart(
        _ parts: NormParts, backwards: Bool = false, _ body: (Int, NormBlock, UnsafeMutablePointer<Float>) -> Void
    ) {
        let grain = max(1, Self.elementGrain / max(1, parts.size))
        parallel(parts.count, grain: grain, backwards: backwards) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * parts.planes.block) { scratch in
                guard let scratch = scratch.baseAddress else { return }
                for step in 0..<range.count {
                    let index = backwards ? range.upperBound - 1 - step : range.lowerBound + step
                    body(index, parts[index], scratch)
                }
            }
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
        var part = self
        part.samples = samples / groups
        return part
    }
}
