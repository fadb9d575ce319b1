import HLTensor

/// Attention over positions, as products of all samples at once. The matrix of weights, queries × keys, exists only for
/// some samples at a time, or some queries of one, going back as well: making it again costs less than keeping it.
extension CUDABackend {
    package func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
        let n = AttentionSizes(query, key, value)
        let result = allocate([n.samples, n.width] + query.shape.dropFirst(2))
        guard result.elementCount > 0 else { return result }
        let (q, k, v, y) = (positions(query), positions(key), positions(value), positions(result))
        for tile in n.tiles {
            let s = attentionWeights(q, k, n, tile)
            multiply(s, v.from(tile), into: y.from(tile, queries: true), n.size(tile, n.width, n.keys))
        }
        return result
    }

    /// With S the weights and G the gradient of the output: dV = G S, dS = Gᵀ V, dA = S ∘ (dS − rowsum(dS ∘ S)),
    /// dQ = K dAᵀ, dK = Q dA.
    package func attentionBackward(
        _ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let n = AttentionSizes(query, key, value)
        precondition(gradient.shape == [n.samples, n.width] + query.shape.dropFirst(2))
        let result = (query: allocate(query.shape), key: allocate(key.shape), value: allocate(value.shape))
        guard gradient.elementCount > 0 else { return result }
        let (q, k, v, g) = (positions(query), positions(key), positions(value), positions(gradient))
        let (dq, dk, dv) = (positions(result.query), positions(result.key), positions(result.value))
        for tile in n.tiles {
            // What belongs to keys adds up over the queries of a sample.
            let adds = tile.queries.lowerBound > 0, g = g.from(tile, queries: true)
            let s = attentionWeights(q, k, n, tile)
            multiply(s.transposed, g, into: dv.from(tile), n.keySize(tile, n.width), adding: adds)
            let slopes = allocate([tile.rows, n.keys])
            multiply(g, v.from(tile).transposed, into: weights(slopes, n, tile), n.size(tile, n.keys, n.width))
            let back = weights(softmaxRowsBackward(slopes, output: s.tensor), n, tile)
            multiply(back, k.from(tile), into: dq.from(tile, queries: true), n.size(tile, n.depth, n.keys))
            multiply(
                back.transposed, q.from(tile, queries: true), into: dk.from(tile), n.keySize(tile, n.depth),
                adding: adds)
        }
        return result
    }

    /// softmax(queryᵀ key) for a tile, [samples · queries, keys].
    private func attentionWeights(
        _ query: SampleMatrices, _ key: SampleMatrices, _ n: AttentionSizes, _ tile: AttentionTile
    ) -> SampleMatrices {
        let products = allocate([tile.rows, n.keys])
        multiply(
            query.from(tile, queries: true), key.from(tile).transposed, into: weights(products, n, tile),
            n.size(tile, n.keys, n.depth))
        return weights(softmaxRows(products), n, tile)
    }

    private func weights(_ matrix: Tensor, _ n: AttentionSizes, _ tile: AttentionTile) -> SampleMatrices {
        SampleMatrices(tensor: matrix, stride: n.keys, step: tile.queries.count * n.keys)
    }

    /// [B, C, …] as matrices [positions, C], one a sample; with four dimensions channels lie last.
    private func positions(_ x: Tensor) -> SampleMatrices {
        let isTransposed = x.shape.count != 4
        return SampleMatrices(
            tensor: x, isTransposed: isTransposed, stride: isTransposed ? x.positions : x.shape[1],
            step: x.shape[1] * x.positions)
    }

    /// c = a b for every sample, or that added to it.
    private func multiply(
        _ a: SampleMatrices, _ b: SampleMatrices, into c: SampleMatrices, _ size: ProductSize, adding: Bool = false
    ) {
        if c.isTransposed {
            // The transposed factors in reverse.
            let turned = ProductSize(rows: size.columns, columns: size.rows, depth: size.depth, count: size.count)
            return multiply(b.transposed, a.transposed, into: c.transposed, turned, adding: adding)
        }
        var product = MatrixProduct(
            rows: size.rows, columns: size.columns, depth: size.depth, transposeA: a.isTransposed,
            transposeB: b.isTransposed)
        product.strides = (a.stride, b.stride, c.stride)
        (product.count, product.steps) = (size.count, (a.step, b.step, c.step))
        product.accumulates = adding
        multiply(product, a.address, b.address, c.address)
    }
}

/// Rows, columns and depth of products, and how many.
private struct ProductSize {
    let rows, columns, depth, count: Int
}

/// Some queries of some samples: all of several, or some of one.
private struct AttentionTile {
    let samples, queries: Range<Int>

    var rows: Int { samples.count * queries.count }
}

private struct AttentionSizes {
    let samples, depth, queries, keys, width: Int

    init(_ query: Tensor, _ key: Tensor, _ value: Tensor) {
        (samples, depth, queries) = (query.shape[0], query.shape[1], query.positions)
        (keys, width) = (key.positions, value.shape[1])
        precondition(key.shape[0] == samples && value.shape[0] == samples)
        precondition(key.shape[1] == depth && value.positions == keys)
    }

    /// Weights of a tile at most: 32 MiB, which a card's cache holds between a product and the softmax.
    private static let tileSize = 1 << 23

    var tiles: [AttentionTile] {
        let whole = Self.tileSize / max(1, queries * keys)
        let atOnce = max(1, whole), count = whole > 0 ? queries : max(1, Self.tileSize / keys)
        return stride(from: 0, to: samples, by: atOnce).flatMap { sample in
            stride(from: 0, to: queries, by: count).map { query in
                AttentionTile(
                    samples: sample..<min(sample + atOnce, samples), queries: query..<min(query + count, queries))
            }
        }
    }

    /// Of a product whose rows are a tile's queries.
    func size(_ tile: AttentionTile, _ columns: Int, _ depth: Int) -> ProductSize {
        ProductSize(rows: tile.queries.count, columns: columns, depth: depth, count: tile.samples.count)
    }

    /// Of one whose rows are the keys.
    func keySize(_ tile: AttentionTile, _ columns: Int) -> ProductSize {
        ProductSize(rows: keys, columns: columns, depth: tile.queries.count, count: tile.samples.count)
    }
}

/// Matrices of F32, one a sample.
private struct SampleMatrices {
    /// Where they lie.
    let tensor: Tensor
    /// Values before the first.
    var offset = 0
    /// Whether rows and columns have changed places in memory.
    var isTransposed = false
    /// Values from one row, as it lies, to the next.
    let stride: Int
    /// Values from one matrix to the next.
    let step: Int

    var address: UnsafeMutablePointer<Float> { tensor.f32 + offset }

    var transposed: SampleMatrices {
        var result = self
        result.isTransposed.toggle()
        return result
    }

    /// Those of a tile's samples, from its first query on where rows are queries.
    func from(_ tile: AttentionTile, queries: Bool = false) -> SampleMatrices {
        var result = self
        result.offset += tile.samples.lowerBound * step
        if queries { result.offset += tile.queries.lowerBound * (isTransposed ? 1 : stride) }
        return result
    }
}
