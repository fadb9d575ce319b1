import HLCompute
import HLTensor

/// LiDAR (Thilak et al., *LiDAR: sensing linear probing performance in joint embedding SSL architectures*, ICLR 2024):
/// exp of the entropy of p_i = λ_i / Σλ + ε, λ the eigenvalues of Σ_w^(-1/2) Σ_b Σ_w^(-1/2), where each sample is a class
/// and its q views are what belongs to it.
///
/// Σ_b = Σ_i (μ_i − μ)(μ_i − μ)ᵀ / (n − 1) is the covariance of the means of the n samples, and
/// Σ_w = Σ_i Σ_j (x_ij − μ_i)(x_ij − μ_i)ᵀ / (n (q − 1)) + δ I, δ 1e-4, that of the views around them. At most
/// min(d, n − 1); the paper's ε is 1e-7, and its classes have about 50 views.
package enum LiDAR {
    /// δ.
    package static let delta = 1e-4

    package static let metric = EmbeddingMetric(
        name: "lidar", title: "effective rank between samples against that of their views",
        source: "Thilak et al., ICLR 2024", needs: .views, comparesSets: false, options: ["--epsilon", "--views"],
        minimum: { $0.dimension + 1 },
        verdict: { subject in
            if subject.views < 2 {
                return .absent(
                    "LiDAR needs several views of each sample, and there is one",
                    remedy: "make more with hl-perturb --views and embed them with hl-encode --view all")
            }
            if subject.samples < 2 {
                return .impossible("LiDAR needs two samples or more", remedy: "embed more samples")
            }
            guard subject.samples <= subject.dimension else { return .fine }
            return .doubtful(
                "LiDAR of \(subject.samples) samples cannot exceed \(subject.samples - 1), and there are "
                    + "\(subject.dimension) dimensions")
        },
        measure: { inputs in
            let views = inputs.set.required(\.views)
            let values = try eigenvalues(views, algebra: inputs.algebra)
            guard views.means.scatter.squaredNorm.squareRoot() > views.means.noise else {
                throw Failure(
                    .data, "LiDAR: the samples have one mean, so that nothing tells them apart", "take another encoder")
            }
            let epsilon = inputs.options.epsilon
            return MetricResult(
                [.init("lidar", effectiveRank(of: values, epsilon: epsilon))],
                settings: [
                    "views": .integer(Int64(views.views)), "epsilon": .number(epsilon), "delta": .number(delta),
                ])
        })

    /// λ, from the largest on: the squares of the singular values of B W⁻¹ with BᵀB = Σ_b and WᵀW = Σ_w.
    private static func eigenvalues(_ views: ViewScatter, algebra: LinearAlgebra) throws -> [Double] {
        let dimension = views.within.columns
        let scale = 1 / (Double(views.samples) * Double(views.views - 1)).squareRoot()
        var within = TriangularFactor(columns: dimension, algebra: algebra)
        within.add(rows: 2 * dimension) { row, place in
            for column in 0..<dimension {
                if row < dimension {
                    place[column] = views.within[row, column] * scale
                } else {
                    place[column] = column == row - dimension ? delta.squareRoot() : 0
                }
            }
        }
        let ratio = algebra.quotient(views.means.covarianceFactor, byUpper: within.finished())
        return try algebra.singularValues(ratio).map { $0 * $0 }
    }
}
