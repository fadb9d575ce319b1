/// Density and coverage (Naeem et al., *Reliable fidelity and diversity metrics for generative models*, ICML 2020,
/// equations 3 and 5): how many reference balls a sample lies in, of those k that it would lie in if both sets were alike;
/// and the share of reference points with a sample in their ball, which reaches to the k-th nearest other. k = 5 in the
/// authors' code, where the ball is without its edge.
package enum DensityCoverage {
    package static let metric = EmbeddingMetric(
        name: "density-coverage", title: "samples in the reference's neighbourhoods, and these with samples",
        source: "Naeem et al., ICML 2020", needs: .rows, comparesSets: true, options: ["-k"],
        pairs: { $0.neighbourPairs },
        minimum: { $0.options.densityNeighbours + 1 },
        verdict: { .neighbours($0.options.densityNeighbours, of: "density and coverage", in: $0) },
        measure: { inputs in
            let counts = try inputs.neighbourCounts(), k = inputs.options.densityNeighbours
            return MetricResult(
                [
                    .init("density", Double(counts.inside) / Double(k) / Double(counts.samples)),
                    .init("coverage", Double(counts.covered) / Double(counts.reference)),
                ], settings: ["k": .integer(Int64(k))])
        })
}
