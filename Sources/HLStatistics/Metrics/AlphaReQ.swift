import Glibc
import HLFormats
import HLTensor

/// α-ReQ (Agrawal et al., *α-ReQ: assessing representation quality in self-supervised learning by measuring eigenspectrum
/// decay*, NeurIPS 2022): the exponent α of λ_r ∝ r^−α, λ the eigenvalues of the embeddings' covariance. Representations
/// are best near 1.
///
/// The line ln λ_r = −α ln r + c is fitted to some ranks with weights 1 / r, as in the paper's code, which has that of
/// Stringer et al. (Nature 2019), with their range: ranks 12 to 100, without the head and the noisy tail.
package enum AlphaReQ {
    /// Ranks that a fit needs.
    private static let fewestRanks = 10

    package static let metric = EmbeddingMetric(
        name: "alpha-req", title: "decay of the covariance's eigenvalues", source: "Agrawal et al., NeurIPS 2022",
        needs: .distribution, comparesSets: false, options: ["--ranks"], minimum: { $0.dimension + 1 },
        verdict: { subject in
            let ranks = ranks(subject.options, dimension: subject.dimension)
            guard let last = ranks.last, ranks.count >= fewestRanks else {
                return .impossible(
                    "α-ReQ fits ranks from \(subject.options.ranks.lowerBound) on, and there are \(subject.dimension) "
                        + "dimensions", remedy: "give --ranks with \(fewestRanks) ranks or more among them")
            }
            if subject.samples <= last {
                return .impossible(
                    "α-ReQ fits ranks to \(last), and the covariance of \(subject.samples) samples has fewer",
                    remedy: "embed more samples, or give --ranks")
            }
            guard subject.samples <= subject.dimension else { return .fine }
            return .doubtful(
                "α-ReQ of no more samples (\(subject.samples)) than dimensions (\(subject.dimension)): the eigenvalues fall "
                    + "too fast")
        },
        measure: { inputs in
            let set = inputs.set.required(\.distribution)
            let values = try inputs.algebra.singularValues(set.scatter)
            let rank = values.count { $0 > set.noise }, ranks = ranks(inputs.options, dimension: set.mean.count)
            guard let first = ranks.first, let last = ranks.last else { preconditionFailure("no ranks to fit") }
            guard rank >= last else {
                throw Failure(
                    .data, "α-ReQ fits ranks to \(last), and the embeddings have rank \(rank)",
                    rank - first + 1 < fewestRanks ? "take another encoder" : "give --ranks \(first)-\(rank)")
            }
            let eigenvalues = values.map { $0 * $0 / Double(set.count - 1) }
            return MetricResult(
                [.init("alpha-req", exponent(eigenvalues, ranks: ranks))],
                settings: ["ranks": .string("\(first)-\(last)")])
        })

    private static func ranks(_ options: MetricOptions, dimension: Int) -> Range<Int> {
        let last = min(options.ranks.upperBound, dimension)
        return options.ranks.lowerBound..<max(last + 1, options.ranks.lowerBound)
    }

    /// −slope of the weighted line through (ln r, ln λ_r).
    static func exponent(_ eigenvalues: [Double], ranks: Range<Int>) -> Double {
        let points = ranks.map { rank in (x: log(Double(rank)), y: log(eigenvalues[rank - 1]), weight: 1 / Double(rank))
        }
        let weight = points.reduce(0) { $0 + $1.weight }
        let x = points.reduce(0) { $0 + $1.weight * $1.x } / weight
        let y = points.reduce(0) { $0 + $1.weight * $1.y } / weight
        let along = points.reduce(0) { $0 + $1.weight * ($1.x - x) * ($1.y - y) }
        return -along / points.reduce(0) { $0 + $1.weight * ($1.x - x) * ($1.x - x) }
    }
}
