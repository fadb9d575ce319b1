import CKernels
import COpenBLAS
import HLTensor

/// Attention over positions. The matrix of weights, queries × keys, exists only for a tile of queries at a time, going
/// back as well: making it again costs less than keeping it.
extension CPUBackend {
    /// Queries of a tile: their weights for a thousand keys fit the second-level cache of two cores.
    private static let tile = 256

    private struct AttentionSizes {
        let batch, depth, queries, keys, width: Int

        init(_ query: Tensor, _ key: Tensor, _ value: Tensor) {
            func positions(_ tensor: Tensor) -> Int { tensor.shape.dropFirst(2).reduce(1, *) }
            batch = query.shape[0]
            depth = query.shape[1]
            queries = positions(query)
            keys = positions(key)
            width = value.shape[1]
            precondition(key.shape[0] == batch && value.shape[0] == batch)
            precondition(key.shape[1] == depth && positions(value) == keys)
        }
    }

    package func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
        let (query, key, value) = (plain(query), plain(key), plain(value))
        let n = AttentionSizes(query, key, value)
        let result = allocate([n.batch, n.width] + query.shape.dropFirst(2))
        let weights = allocate([Self.tile, n.keys])
        for sample in 0..<n.batch {
            let values = value.floats + sample * n.width * n.keys
            for first in stride(from: 0, to: n.queries, by: Self.tile) {
                let count = min(Self.tile, n.queries - first)
                attentionWeights(query, key, n, sample, first, count, weights)
                hl_blas_sgemm(
                    0, 1, Int32(n.width), Int32(count), Int32(n.keys), 1, values, Int32(n.keys), weights.floats,
                    Int32(n.keys), 0, result.floats + sample * n.width * n.queries + first, Int32(n.queries))
            }
        }
        return result
    }

    /// softmax(queryᵀ key) for a tile of queries, [count, keys].
    private func attentionWeights(
        _ query: Tensor, _ key: Tensor, _ n: AttentionSizes, _ sample: Int, _ first: Int, _ count: Int,
        _ weights: Tensor
    ) {
        hl_blas_sgemm(
            1, 0, Int32(count), Int32(n.keys), Int32(n.depth), 1,
            query.floats + sample * n.depth * n.queries + first, Int32(n.queries),
            key.floats + sample * n.depth * n.keys, Int32(n.keys), 0, weights.floats, Int32(n.keys))
        parallel(count, grain: 16) {
            hl_softmax_rows(weights.floats, $0.lowerBound, $0.upperBound, n.keys)
        }
    }

    /// With S the weights and G the gradient of the output: dV = G S, dS = Gᵀ V, dA = S ∘ (dS − rowsum(dS ∘ S)),
    /// dQ = K dAᵀ, dK = Q dA.
    package func attentionBackward(
        _ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let (query, key, value, gradient) = (plain(query), plain(key), plain(value), plain(gradient))
        let n = AttentionSizes(query, key, value)
        let result = (allocate(query.shape), allocate(key.shape), allocate(value.shape))
        let weights = allocate([Self.tile, n.keys]), slopes = allocate([Self.tile, n.keys])
        let (keys, queries) = (Int32(n.keys), Int32(n.queries))
        for sample in 0..<n.batch {
            let values = value.floats + sample * n.width * n.keys
            for first in stride(from: 0, to: n.queries, by: Self.tile) {
                let count = min(Self.tile, n.queries - first), sum: Float = first == 0 ? 0 : 1
                let g = gradient.floats + sample * n.width * n.queries + first
                let q = query.floats + sample * n.depth * n.queries + first
                attentionWeights(query, key, n, sample, first, count, weights)
                hl_blas_sgemm(
                    0, 0, Int32(n.width), keys, Int32(count), 1, g, queries, weights.floats, keys, sum,
                    result.2.floats + sample * n.width * n.keys, keys)
                hl_blas_sgemm(
                    1, 0, Int32(count), keys, Int32(n.width), 1, g, queries, values, keys, 0, slopes.floats, keys)
                parallel(count, grain: 16) {
                    hl_softmax_rows_backward(
                        weights.floats, slopes.floats, $0.lowerBound, $0.upperBound, n.keys)
                }
                hl_blas_sgemm(
                    0, 1, Int32(n.depth), Int32(count), keys, 1, key.floats + sample * n.depth * n.keys, keys,
                    slopes.floats, keys, 0, result.0.floats + sample * n.depth * n.queries + first, queries)
                hl_blas_sgemm(
                    0, 0, Int32(n.depth), keys, Int32(count), 1, q, queries, slopes.floats, keys, sum,
                    result.1.floats + sample * n.depth * n.keys, keys)
            }
        }
        return result
    }
}

extension CPUBackend {
    package func softmaxRows(_ x: Tensor) -> Tensor {
        let result = copy(x)
        forEachRow(x) { hl_softmax_rows(result.floats, $0, $1, x.shape[1]) }
        return result
    }

    package func softmaxRowsBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        precondition(gradient.shape == output.shape)
        let result = copy(gradient)
        forEachRow(output) { hl_softmax_rows_backward(output.floats, result.floats, $0, $1, output.shape[1]) }
        return result
    }
}
