import HLFormats
import HLTensor
import HLViews

/// Random noise that moves chunks as far, on average, as a walker was seen to move them: groups for hl-perturb.
///
/// N^t(0, σ, t) on m values has a length of σ · `meanLength`, m of them together, so σ is the mean δ over that length.
/// Chunks that do not move are left out, and so are those whose δ spreads by more than its mean: a walker that failed
/// there leaves some samples where they are and throws others away, and its mean says nothing of either.
package struct NoiseSuggestion: Sendable {
    package let groups: [PerturbationGroup]
    /// What the reader should know, a sentence without a full stop each.
    package let warnings: [String]

    /// Where the noise is cut off.
    package static let truncation = 2.0

    /// What was measured of some chunks.
    package struct Part {
        package let chunks: ChunkSet
        package let delta: StreamingDistribution
        /// Mean distance between two anchors; NaN where it is not known.
        package let apart: Double

        package init(chunks: ChunkSet, delta: StreamingDistribution, apart: Double) {
            self.chunks = chunks
            self.delta = delta
            self.apart = apart
        }
    }

    /// - Parameters:
    ///   - unit: what a chunk is called.
    ///   - deviation: σ of the noise that gives these chunks this mean δ; nil where none is so large.
    /// - Throws: `Failure`: usage for groups that overlap, data where nothing moves; and what `deviation` throws.
    package init(_ parts: [Part], unit: String, deviation: (ChunkSet, Double) throws -> Double?) throws {
        var groups: [PerturbationGroup] = [], warnings: [String] = []
        for part in parts where part.delta.maximum > 0 {
            let (mean, name) = (part.delta.mean, "\(unit) \(part.chunks)")
            if part.delta.standardDeviation > mean {
                warnings.append(
                    "\(name) is left out: its δ spreads by more than its mean, as after a walker that failed")
                continue
            }
            guard let wanted = try deviation(part.chunks, mean).map(Self.rounded),
                let noise = try? TruncatedNormal(standardDeviation: wanted, truncation: Self.truncation)
            else {
                warnings.append("\(name) is left out: no noise moves it so far")
                continue
            }
            if mean > part.apart {
                warnings.append("\(name) moves farther than from one anchor to another: such positives share little")
            }
            groups.append(PerturbationGroup(chunks: part.chunks, noise: noise))
        }
        guard !groups.isEmpty else {
            throw Failure(
                .data, "no \(unit) moves in a way that noise could repeat" + (warnings.first.map { "; \($0)" } ?? ""),
                "give this program a stream whose positives differ from their anchors")
        }
        try PerturbationGroup.validateDisjoint(groups)
        self.groups = groups
        self.warnings = warnings
    }

    /// Of noise on z itself: σ from the mean length.
    /// - Parameter dimension: values in a chunk.
    package static func deviation(ofChunks chunks: ChunkSet, dimension: Int, mean: Double) throws -> Double? {
        let unit = try TruncatedNormal(standardDeviation: 1, truncation: truncation)
        return mean / unit.meanLength(dimension: chunks.indices.count * dimension)
    }

    /// Options of hl-perturb.
    package var options: String { groups.map { "--group \($0.text)" }.joined(separator: " ") }

    /// Four digits: more than the mean of a stream usually has.
    private static func rounded(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return value }
        var scale = 1.0
        while value * scale < 1000 && scale < 1e60 { scale *= 10 }
        return (value * scale).rounded() / scale
    }
}
