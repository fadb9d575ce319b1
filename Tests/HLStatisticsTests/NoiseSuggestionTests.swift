import HLCompute
import HLGenerators
import HLStatistics
import HLTensor
import HLViews
import Testing

/// Noise that moves chunks as far as a walker did.
struct NoiseSuggestionTests {
    /// Against scipy: `truncnorm(-t, t).expect(abs)` for one value, means of 2 million lengths for several, and
    /// √2 Γ((m + 1) / 2) / Γ(m / 2) without a cut.
    @Test(arguments: [
        (2.0, 1, 0.7227897522452308, 1e-6), (2, 20, 3.89925, 1e-3), (2, 100, 8.78105, 1.5e-3), (0.9, 20, 2.18727, 6e-4),
        (.infinity, 20, 4.416605124547246, 1e-5), (.infinity, 512, 22.61637115849231, 1e-4),
    ])
    func meanLength(_ truncation: Double, _ dimension: Int, _ expected: Double, _ tolerance: Double) throws {
        let unit = try TruncatedNormal(standardDeviation: 1, truncation: truncation)
        #expect(abs(unit.meanLength(dimension: dimension) - expected) < tolerance)
        let scaled = try TruncatedNormal(standardDeviation: 0.3, truncation: truncation)
        #expect(abs(scaled.meanLength(dimension: dimension) - 0.3 * expected) < tolerance)
    }

    @Test func otherMeansHaveNone() throws {
        #expect(try TruncatedNormal(mean: 1, standardDeviation: 1, truncation: 2).meanLength(dimension: 3).isNaN)
    }

    private let ids = HostTensor((0..<4000).map { Int64($0) }, shape: [4000])

    private func anchors() -> HostTensor {
        TruncatedNormal.standard.draw(ids: ids, perSample: 30, key: RandomKey(seed: 1, purpose: .anchor))
            .reshaped([4000, 3, 10])
    }

    private func statistics(_ anchors: HostTensor, _ positives: HostTensor) throws -> DeltaStatistics {
        var statistics = DeltaStatistics(chunks: ChunkSet(all: 3))
        try statistics.add(anchors: anchors, positives: positives, ids: ids)
        return statistics
    }

    /// What is suggested for positives of random noise is that noise.
    @Test func findsTheNoiseThatWasThere() throws {
        let groups = try ["0:std=0.2,trunc=2", "2:std=0.7,trunc=2"].map { try PerturbationGroup(parsing: $0) }
        let z = anchors()
        let moved = try Perturbation(noise: RandomPerturbation(groups: groups, seed: 3)).apply(to: z, ids: ids)[0]
        let measured = try statistics(z, moved)
        let parts = (0..<3).map {
            NoiseSuggestion.Part(chunks: ChunkSet($0), delta: measured.perChunk[$0], apart: 100)
        }
        let suggestion = try NoiseSuggestion(parts, unit: "chunk") {
            try NoiseSuggestion.deviation(ofChunks: $0, dimension: 10, mean: $1)
        }
        #expect(suggestion.groups.map(\.chunks) == [ChunkSet(0), ChunkSet(2)] && suggestion.warnings.isEmpty)
        for (found, group) in zip(suggestion.groups, groups) {
            #expect(found.noise.truncation == 2)
            #expect(abs(found.noise.standardDeviation / group.noise.standardDeviation - 1) < 0.02)
        }
        #expect(suggestion.options.hasPrefix("--group 0:std=0."))
    }

    @Test func leavesOutWhatNoNoiseCanRepeat() throws {
        let z = anchors()
        // Chunk 0 throws one sample in ten far away, chunk 1 stays, chunk 2 moves farther than anchors lie apart.
        var values = z.floats
        for sample in 0..<4000 {
            if sample % 10 == 0 { values[sample * 30] += 50 }
            values[sample * 30 + 20] += 20
        }
        let measured = try statistics(z, HostTensor(values, shape: z.shape))
        let parts = (0..<3).map { NoiseSuggestion.Part(chunks: ChunkSet($0), delta: measured.perChunk[$0], apart: 4) }
        let suggestion = try NoiseSuggestion(parts, unit: "chunk") {
            try NoiseSuggestion.deviation(ofChunks: $0, dimension: 10, mean: $1)
        }
        #expect(suggestion.groups.map(\.chunks) == [ChunkSet(2)] && suggestion.warnings.count == 2)
        #expect(suggestion.warnings.first?.contains("chunk 0 is left out") == true)
        #expect(suggestion.warnings.last?.contains("chunk 2 moves farther") == true)
        let failure = #expect(throws: Failure.self) { try NoiseSuggestion([parts[1]], unit: "chunk") { _, _ in 1 } }
        #expect(failure?.kind == .data)
    }

    /// A map that is known: w of every layer is 3 z. σ for a distance is then that of z for a third of it.
    @Test func triesNoiseOnMappedLatents() throws {
        final class Tripling: LatentMapper {
            let backend: any Backend
            let mappedShape = LatentShape(chunks: 2, dimension: 30)

            init() throws { backend = try CPUBackend.plain(threads: 1) }

            func mapped(_ z: Tensor) -> Tensor {
                let w = backend.constant(0, shape: [z.shape[0], 60])
                for layer in 0..<2 { backend.addColumns(backend.scale(z, by: 3), into: w, at: 30 * layer) }
                return w
            }
        }
        let z = anchors().reshaped([4000, 1, 30])
        let noise = try MappedNoise(
            try Tripling(), groups: [ChunkSet(0), ChunkSet(all: 2)], anchors: z.rows(0..<2048), ids: ids.rows(0..<2048))
        let length = try TruncatedNormal(standardDeviation: 1, truncation: 2).meanLength(dimension: 30)
        for distance in [0.01, 1, 37] {
            let one = try #require(try noise.deviation(of: ChunkSet(0), distance: distance))
            #expect(abs(one * 3 * length / distance - 1) < 0.01)
            let both = try #require(try noise.deviation(of: ChunkSet(all: 2), distance: distance))
            #expect(abs(both * 3 * length * 2.0.squareRoot() / distance - 1) < 0.01)
        }
        #expect(try noise.deviation(of: ChunkSet(0), distance: 1e9) == nil)
        #expect(try noise.deviation(of: ChunkSet(1), distance: 1) == nil)
    }

    @Test func distancesBetweenAnchors() throws {
        let z = anchors()
        var whole = AnchorDistances(chunks: ChunkSet(all: 3), groups: [])
        try whole.add(anchors: z, ids: ids, name: "z.0")
        #expect(whole.statistics.count == 3999)
        // In parts, one of them a single sample, the same pairs.
        var parts = AnchorDistances(chunks: ChunkSet(all: 3), groups: [])
        for range in [0..<1, 1..<1, 1..<2000, 2000..<4000] {
            try parts.add(anchors: z.rows(range), ids: ids.rows(range), name: "z.0")
        }
        for (a, b) in zip(whole.statistics.perChunk, parts.statistics.perChunk) {
            #expect(a.count == b.count && a.mean == b.mean && a.maximum == b.maximum)
        }
        // The root of 10 times twice the variance 0.774, less a little because it is the mean of a root.
        #expect((3.75...3.93).contains(whole.statistics.perChunk[0].mean))
    }
}
