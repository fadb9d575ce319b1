import CKernels
import Glibc
import HLCompute
import HLTensor

/// Uniformity (Wang and Isola, *Understanding contrastive representation learning through alignment and uniformity on the
/// hypersphere*, ICML 2020, equation 4, t = 2): ln of the mean of exp(−t |f(x) − f(y)|²) over all pairs of two samples,
/// embeddings of unit length; from about −2 t, spread over the sphere, to 0, all alike.
///
/// Products are single precision, which is 1e-7 of the squares of the unit lengths: so little that it shows in no digit of
/// a mean of terms that it changes by as much. Sums are double.
package enum Uniformity {
    /// t.
    package static let t = 2.0

    package static let metric = EmbeddingMetric(
        name: "uniformity", title: "how evenly embeddings of unit length spread", source: "Wang and Isola, ICML 2020",
        needs: .rows, comparesSets: false, pairs: { ["uniformity": MetricSubject.pairs(of: $0.samples)] },
        minimum: { _ in 2 },
        verdict: { subject in
            if subject.samples >= 2 { return .fine }
            return .impossible("uniformity needs two samples or more", remedy: "embed more samples")
        },
        measure: { inputs in
            let value = try value(inputs.set.required(\.rows), on: inputs.backend, progress: inputs.progress)
            return MetricResult([.init("uniformity", value)], settings: ["t": .number(t)])
        })

    /// Of embeddings F32 [N, d].
    static func value(
        _ embeddings: HostTensor, on backend: any Backend, progress: (Int) -> Void = { _ in }
    ) throws -> Double {
        let points = PairwisePoints(unitRowsOf: embeddings, on: backend)
        let sum = try PairSums.unordered(points.tensor, parts: [embeddings.rowCount], on: backend, progress: progress) {
            tile, row, columns, products in
            points.norms.withUnsafeBufferPointer { norms in
                guard let norms = norms.baseAddress else { return 0 }
                return hl_gaussian_sum(
                    products, norms[row], norms + columns.lowerBound, Float(t), columns.count)
            }
        }.reduce(0) { $0 + $1.sum }
        let count = Double(embeddings.rowCount)
        return log(sum / (count * (count - 1) / 2))
    }
}
