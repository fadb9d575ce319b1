import Glibc
import HLGenerators
import HLTensor
import HLViews

/// How far noise on z moves layers of w, measured by mapping some anchors with noise of several σ.
///
/// A network bends z, so that unlike for chunks of z no formula says it. The same noise is scaled each time: the mean
/// distance then grows smoothly with σ, and σ for a wanted distance is found between two that were tried.
package final class MappedNoise {
    /// Samples to try on: their mean is within one percent or so of the stream's.
    package static let sampleCount = 2048

    private let mapper: any LatentMapper
    private let groups: [ChunkSet]
    private let anchors: HostTensor
    private let mapped: HostTensor
    private let noise: [Float]
    /// σ and the mean distance of each group, ascending in σ.
    private var tried: [(deviation: Double, means: [Double])] = []

    private static let largestDeviation = 64.0

    /// - Parameters:
    ///   - groups: the layers that are asked about.
    ///   - anchors: z, F32 [B, 1, dimension].
    ///   - ids: I64 [B].
    package init(_ mapper: any LatentMapper, groups: [ChunkSet], anchors: HostTensor, ids: HostTensor) throws {
        self.mapper = mapper
        self.groups = groups
        self.anchors = anchors
        mapped = try mapper.map(anchors)
        for group in groups { try group.validate(count: mapped.shape[1]) }
        noise = try TruncatedNormal(standardDeviation: 1, truncation: NoiseSuggestion.truncation).draw(
            ids: ids, perSample: anchors.rowSize, key: RandomKey(seed: 0, purpose: .perturbation)
        ).floats
    }

    /// σ of noise on z that moves the layers of a group by `distance` on average; nil if none is so large.
    /// - Parameter group: one of those that the object is about.
    package func deviation(of group: ChunkSet, distance: Double) throws -> Double? {
        guard let number = groups.firstIndex(of: group) else { return nil }
        if tried.isEmpty { try measure(0.25) }
        while let first = tried.first, first.means[number] > distance {
            if first.deviation < 1e-12 { return nil }
            try measure(first.deviation / 4)
        }
        while let last = tried.last, last.means[number] < distance {
            if last.deviation >= Self.largestDeviation { return nil }
            try measure(last.deviation * 2)
        }
        // Between two of them the logarithms lie nearly on a line.
        for _ in 0..<30 {
            guard let above = tried.firstIndex(where: { $0.means[number] >= distance }) else { return nil }
            let high = tried[above], low = tried[max(0, above - 1)]
            for near in [low, high] where abs(near.means[number] / distance - 1) < 1e-3 { return near.deviation }
            let share = log(distance / low.means[number]) / log(high.means[number] / low.means[number])
            let next = low.deviation * exp(share * log(high.deviation / low.deviation))
            guard next > low.deviation, next < high.deviation else { return next.isFinite ? next : nil }
            try measure(next)
        }
        return tried.first { $0.means[number] >= distance }?.deviation
    }

    private func measure(_ deviation: Double) throws {
        let scale = Float(deviation)
        let moved = HostTensor(zip(anchors.floats, noise).map { $0 + scale * $1 }, shape: anchors.shape)
        let views = try mapper.map(moved)
        var statistics = DeltaStatistics(chunks: ChunkSet(0), groups: groups)
        let ids = HostTensor((0..<anchors.rowCount).map { Int64($0) }, shape: [anchors.rowCount])
        try statistics.add(anchors: mapped, positives: views, ids: ids, names: ("w.0", "w.1"))
        tried.append((deviation, statistics.perGroup.map(\.mean)))
        tried.sort { $0.deviation < $1.deviation }
    }
}
