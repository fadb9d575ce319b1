import HLCompute
import HLTensor

/// The Fréchet distance of two normal distributions with the means and covariances of two sets (Dowson and Landau 1982;
/// Heusel et al., *GANs trained by a two time-scale update rule*, NeurIPS 2017, as FID):
/// |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁ Σ₂)^½.
///
/// With AᵢᵀAᵢ = Σᵢ the last trace is the sum of the singular values of A₁A₂ᵀ, whose squares are the eigenvalues of Σ₁Σ₂.
/// So no root of a matrix is taken and no covariance multiplied: what is lost by that in double precision, where sets have
/// fewer samples than dimensions, would come back as the root of an error.
package enum FrechetDistance {
    package static let metric = EmbeddingMetric(
        name: "frechet", title: "Fréchet distance of normal distributions", source: "Heusel et al., NeurIPS 2017",
        needs: .distribution, comparesSets: true, minimum: { $0.dimension + 1 },
        verdict: { subject in
            if subject.fewestSamples < 2 {
                return .impossible("the Fréchet distance needs two samples or more", remedy: "embed more samples")
            }
            guard subject.fewestSamples <= subject.dimension else { return .fine }
            return .doubtful(
                "the Fréchet distance of no more samples (\(subject.fewestSamples)) than dimensions "
                    + "(\(subject.dimension)): the covariance is singular and the distance too large")
        },
        measure: { inputs in
            let value = try distance(
                inputs.set.required(\.distribution), inputs.reference.required(\.distribution), algebra: inputs.algebra)
            return MetricResult([.init("frechet", value)], settings: [:])
        })

    /// From 0 up.
    package static func distance(
        _ first: EmbeddingDistribution, _ second: EmbeddingDistribution, algebra: LinearAlgebra
    ) throws -> Double {
        let (a, b) = (first.covarianceFactor, second.covarianceFactor)
        let means = zip(first.mean, second.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let root = try algebra.singularValues(algebra.product(a, transposed: b)).reduce(0, +)
        return max(0, means + a.squaredNorm + b.squaredNorm - 2 * root)
    }
}
