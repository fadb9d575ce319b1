/// The metrics of embeddings that this version knows. One more is one more entry.
package enum EmbeddingMetrics {
    /// Those of one set first, then those between two.
    package static let all: [EmbeddingMetric] = [
        RankMe.metric, LiDAR.metric, AlphaReQ.metric, Alignment.metric, Uniformity.metric,
        FrechetDistance.metric, KernelDistance.metric, PrecisionRecall.metric, DensityCoverage.metric,
    ]

    package static var names: [String] { all.map(\.name) }

    package static subscript(name name: String) -> EmbeddingMetric? { all.first { $0.name == name } }
}
