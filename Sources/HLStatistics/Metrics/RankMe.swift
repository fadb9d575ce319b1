import HLTensor

/// RankMe (Garrido et al., *RankMe: assessing the downstream performance of pretrained self-supervised representations by
/// their rank*, ICML 2023, equations 1 and 2): exp of the entropy of p_k = σ_k / Σσ + ε, σ the singular values of the
/// embeddings [N, d], which are not centred.
///
/// From 1, collapse, to d. The paper's ε is 1e-7, and it recommends 25,600 samples or more; with N ≤ d it is the number
/// of samples that is measured.
package enum RankMe {
    package static let metric = EmbeddingMetric(
        name: "rankme", title: "effective rank of the embeddings", source: "Garrido et al., ICML 2023",
        needs: .distribution, comparesSets: false, options: ["--epsilon"], minimum: { $0.dimension + 1 },
        verdict: { subject in
            guard subject.samples <= subject.dimension else { return .fine }
            return .impossible(
                "RankMe needs more samples than dimensions, and there are \(subject.samples) for \(subject.dimension)",
                remedy: "embed more samples")
        },
        measure: { inputs in
            let set = inputs.set.required(\.distribution)
            let values = try inputs.algebra.singularValues(set.raw)
            guard values.contains(where: { $0 > 0 }) else {
                throw Failure(.data, "RankMe: all embeddings are zero", "take another encoder")
            }
            let epsilon = inputs.options.epsilon
            return MetricResult(
                [.init("rankme", effectiveRank(of: values, epsilon: epsilon))], settings: ["epsilon": .number(epsilon)])
        })
}
