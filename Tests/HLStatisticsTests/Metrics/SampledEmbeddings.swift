import Glibc
import HLCompute
import HLStatistics
import HLTensor
import OperationCases
import TestSupport

/// The embeddings that `Fixtures/make_metrics.py` and these tests both compute.
enum SampledEmbeddings {
    /// (U − 0.5) 2^−(j / 4) + offset, dimension j from 0 (integer division), rounded at every step.
    static func embeddings(_ name: String, _ count: Int, _ dimension: Int, _ offset: Float = 0) -> HostTensor {
        let values = Formula.uniform(name, count * dimension).enumerated().map { index, u in
            (u - 0.5) * Float(exp2(Double(-(index % dimension / 4)))) + offset
        }
        return HostTensor(values, shape: [count, dimension])
    }

    /// An anchor and as many views of it, each with an eighth of noise.
    static func views(_ name: String, _ count: Int, _ dimension: Int, _ number: Int) -> [HostTensor] {
        let anchor = embeddings(name, count, dimension, 0.25).floats
        return (0..<number).map { view in
            let noise = embeddings("\(name).\(view)", count, dimension).floats
            return HostTensor(zip(anchor, noise).map { $0 + 0.125 * $1 }, shape: [count, dimension])
        }
    }

    /// What a stream of these views is read to.
    static func set(
        _ views: [HostTensor], _ needs: EmbeddingNeeds, _ algebra: LinearAlgebra, batch: Int = 128
    ) -> EmbeddingSet {
        let count = views[0].rowCount
        var accumulator = EmbeddingSet.Accumulator(
            dimension: views[0].rowSize, viewCount: views.count, needs: needs, algebra: algebra)
        for start in stride(from: 0, to: count, by: batch) {
            let part = views.map { $0.rows(start..<min(start + batch, count)) }
            accumulator.add(part[0], all: needs.contains(.views) ? part : [])
        }
        return accumulator.finished()
    }
}
