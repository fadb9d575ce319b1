import HLCompute
import HLTensor

/// How the q views of n samples lie around their samples' means, and these around theirs: what LiDAR and alignment are
/// made of, of a stream of any length.
package struct ViewScatter: Sendable {
    /// n.
    package let samples: Int
    /// q.
    package let views: Int
    /// The means of the samples over their views.
    package let means: EmbeddingDistribution
    /// Upper triangle R [d, d] with RᵀR = Σ (x − mean of its sample)(…)ᵀ.
    package let within: DoubleMatrix
    /// Mean of |f − g|² over all pairs of views of a sample and all samples, f and g embeddings of unit length.
    package let alignment: Double

    /// Takes in samples a batch at a time.
    package struct Accumulator {
        private let dimension: Int
        private let views: Int
        private var means: EmbeddingDistribution.Accumulator
        private var within: TriangularFactor
        private var samples = 0
        private var squares = 0.0

        package init(dimension: Int, views: Int, algebra: LinearAlgebra) {
            self.dimension = dimension
            self.views = views
            means = EmbeddingDistribution.Accumulator(dimension: dimension, algebra: algebra)
            within = TriangularFactor(columns: dimension, algebra: algebra)
        }

        /// - Parameter batch: a tensor F32 [B, d] for each view, finite.
        package mutating func add(_ batch: [HostTensor]) {
            precondition(batch.count == views && batch.allSatisfy { $0.rowSize == dimension })
            let count = batch[0].rowCount, size = count * dimension
            // [q, B, d] in double precision.
            var values = [Double](repeating: 0, count: views * size)
            for (view, tensor) in batch.enumerated() {
                tensor.withUnsafeElements(as: Float.self) { elements in
                    for i in 0..<size { values[view * size + i] = Double(elements[i]) }
                }
            }
            addDistances(values, count)
            var mean = [Double](repeating: 0, count: size)
            for view in 0..<views { for i in 0..<size { mean[i] += values[view * size + i] } }
            for i in 0..<size { mean[i] /= Double(views) }
            means.add(mean)
            within.add(rows: views * count) { row, place in
                // One sample after the other, however many come at a time.
                let (sample, view) = row.quotientAndRemainder(dividingBy: views)
                let start = (view * count + sample) * dimension, centre = sample * dimension
                for column in 0..<dimension { place[column] = values[start + column] - mean[centre + column] }
            }
            samples += count
        }

        /// Σ over pairs of views of |f − g|² is q Σ |f − mean of f|², which takes q steps and not q².
        private mutating func addDistances(_ values: [Double], _ count: Int) {
            var mean = [Double](repeating: 0, count: dimension), scales = [Double](repeating: 0, count: views)
            for sample in 0..<count {
                for column in 0..<dimension { mean[column] = 0 }
                for view in 0..<views {
                    let start = (view * count + sample) * dimension
                    var square = 0.0
                    for column in 0..<dimension { square += values[start + column] * values[start + column] }
                    scales[view] = 1 / max(square.squareRoot(), 1e-12)
                    for column in 0..<dimension { mean[column] += values[start + column] * scales[view] }
                }
                for column in 0..<dimension { mean[column] /= Double(views) }
                var total = 0.0
                for view in 0..<views {
                    let start = (view * count + sample) * dimension
                    for column in 0..<dimension {
                        let difference = values[start + column] * scales[view] - mean[column]
                        total += difference * difference
                    }
                }
                squares += Double(views) * total
            }
        }

        package mutating func finished() -> ViewScatter {
            let pairs = Double(samples) * Double(views * (views - 1) / 2)
            return ViewScatter(
                samples: samples, views: views, means: means.finished(), within: within.finished(),
                alignment: squares / pairs)
        }
    }
}
