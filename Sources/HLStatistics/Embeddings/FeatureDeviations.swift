import HLCompute
import HLTensor

/// The standard deviations of a set's features. Divided by them, features of any scale count alike in distances, as in
/// those of generators that are reported in standardised features; means need no shift, since only differences count.
package struct FeatureDeviations: Sendable {
    /// d values above 0, N − 1 in their denominator. A feature that is the same in the whole set is left as it is.
    package let values: [Double]

    /// N > 1.
    package init(of distribution: EmbeddingDistribution) {
        let scatter = distribution.scatter, noise = distribution.noise
        values = (0..<scatter.columns).map { column in
            let square = (0..<scatter.rows).reduce(0) { $0 + scatter[$1, column] * scatter[$1, column] }
            guard square.squareRoot() > noise else { return 1 }
            return (square / Double(distribution.count - 1)).squareRoot()
        }
    }
}

extension EmbeddingSet {
    /// The same samples with every feature divided by a deviation, and without their views.
    package func divided(by deviations: FeatureDeviations) -> EmbeddingSet {
        precondition(deviations.values.count == dimension)
        return EmbeddingSet(
            count: count, dimension: dimension, distribution: distribution.map { $0.divided(by: deviations.values) },
            rows: rows.map { Self.divided($0, by: deviations.values) }, views: nil)
    }

    private static func divided(_ rows: HostTensor, by deviations: [Double]) -> HostTensor {
        HostTensor(.f32, shape: rows.shape) { bytes in
            let quotients = bytes.bindMemory(to: Float.self)
            rows.withUnsafeElements(as: Float.self) { values in
                for row in 0..<rows.rowCount {
                    for column in deviations.indices {
                        let index = row * deviations.count + column
                        quotients[index] = Float(Double(values[index]) / deviations[column])
                    }
                }
            }
        }
    }
}

extension EmbeddingDistribution {
    fileprivate func divided(by deviations: [Double]) -> EmbeddingDistribution {
        func divided(_ matrix: DoubleMatrix) -> DoubleMatrix {
            var quotients = matrix
            for column in 0..<matrix.columns {
                for row in 0..<matrix.rows { quotients[row, column] /= deviations[column] }
            }
            return quotients
        }
        return EmbeddingDistribution(
            count: count, mean: zip(mean, deviations).map { $0 / $1 }, scatter: divided(scatter), raw: divided(raw))
    }
}
