import CKernels
import HLGenerators
import HLTensor
import HLViews

/// δ of the chunk that decides the class beside each anchor's own distance to the nearest class boundary, for a
/// generator with an oracle; of a stream of any length in constant memory.
package struct BoundaryStatistics {
    private let oracle: any BoundaryOracle
    /// The distance from the anchors to the boundary.
    package private(set) var distance = StreamingDistribution()
    private var beyondCount = 0
    private var changedCount = 0

    package init(_ oracle: any BoundaryOracle) { self.oracle = oracle }

    /// Only this chunk can change the class: in all others the boundary is infinitely far.
    package var chunk: Int { oracle.decidingChunk }

    /// Samples whose δ exceeds their own distance to the boundary. Where they went decides whether their class changed:
    /// below the boundary's distance it cannot.
    package var beyond: Proportion { Proportion(count: beyondCount, total: distance.count) }

    /// Samples whose positive is of another class than their anchor.
    package var changed: Proportion { Proportion(count: changedCount, total: distance.count) }

    /// Adds a batch.
    /// - Parameters:
    ///   - anchors, positives: finite F32 [B, n, m] of the oracle's generator.
    ///   - ids: I64 [B], to name a sample in messages.
    /// - Throws: `Failure` (data) for latents so large that their class cannot be told.
    package mutating func add(anchors: HostTensor, positives: HostTensor, ids: HostTensor) throws {
        precondition(anchors.shape == positives.shape)
        let before = oracle.classes(of: anchors), after = oracle.classes(of: positives)
        let moved = Self.distances(anchors, positives, chunk: chunk)
        let boundaries = before.boundaries.map { Double($0) }
        if let bad = zip(boundaries, after.boundaries).enumerated().first(where: { !($1.0 + Double($1.1)).isFinite }) {
            throw Failure(
                .data, "sample \(ids.integers[bad.offset]) has no class, so large is chunk \(chunk) of its latents",
                Failure.straying)
        }
        boundaries.withUnsafeBufferPointer { values in
            if let base = values.baseAddress { distance.add(base, count: values.count, stride: 1) }
        }
        for i in boundaries.indices {
            beyondCount += moved[i] > boundaries[i] ? 1 : 0
            changedCount += before.labels[i] != after.labels[i] ? 1 : 0
        }
    }

    /// δ of one chunk.
    private static func distances(_ first: HostTensor, _ second: HostTensor, chunk: Int) -> [Double] {
        let (count, chunks, dimension) = (first.shape[0], first.shape[1], first.shape[2])
        var all = [Double](repeating: 0, count: count * chunks)
        first.withUnsafeElements(as: Float.self) { first in
            second.withUnsafeElements(as: Float.self) { second in
                guard let first = first.baseAddress, let second = second.baseAddress else { return }
                hl_row_distances(first, second, count * chunks, dimension, &all)
            }
        }
        return (0..<count).map { all[$0 * chunks + chunk] }
    }
}
