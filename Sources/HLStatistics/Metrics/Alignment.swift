/// Alignment (Wang and Isola, *Understanding contrastive representation learning through alignment and uniformity on the
/// hypersphere*, ICML 2020, equation 3, α = 2): the mean of |f(x) − f(y)|² over positive pairs, embeddings of unit length;
/// from 0, all alike, to 4. Of more than two views all pairs count.
package enum Alignment {
    package static let metric = EmbeddingMetric(
        name: "alignment", title: "mean squared distance of the views of a sample", source: "Wang and Isola, ICML 2020",
        needs: .views, comparesSets: false, options: ["--views"], minimum: { _ in 1 },
        verdict: { subject in
            if subject.views >= 2 { return .fine }
            return .absent(
                "alignment needs several views of each sample, and there is one",
                remedy: "make more with hl-perturb and embed them with hl-encode --view all")
        },
        measure: { inputs in
            let views = inputs.set.required(\.views)
            return MetricResult(
                [.init("alignment", views.alignment)], settings: ["views": .integer(Int64(views.views)), "alpha": 2])
        })
}
