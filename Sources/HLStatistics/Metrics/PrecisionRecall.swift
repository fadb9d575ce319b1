/// Precision and recall (Kynkäänniemi et al., *Improved precision and recall metric for assessing generative models*,
/// NeurIPS 2019, equation 1): the share of samples that lie in the ball around some reference point that reaches to its
/// k-th nearest other, and the share of reference points that lie in such a ball around some sample. k = 3 in the paper.
package enum PrecisionRecall {
    package static let metric = EmbeddingMetric(
        name: "precision-recall", title: "shares of each set within the other's neighbourhoods",
        source: "Kynkäänniemi et al., NeurIPS 2019", needs: .rows, comparesSets: true, options: ["-k"],
        pairs: { $0.neighbourPairs },
        minimum: { $0.options.precisionNeighbours + 1 },
        verdict: { .neighbours($0.options.precisionNeighbours, of: "precision and recall", in: $0) },
        measure: { inputs in
            let counts = try inputs.neighbourCounts()
            return MetricResult(
                [
                    .init("precision", Double(counts.precise) / Double(counts.samples)),
                    .init("recall", Double(counts.recalled) / Double(counts.reference)),
                ], settings: ["k": .integer(Int64(inputs.options.precisionNeighbours))])
        })
}
