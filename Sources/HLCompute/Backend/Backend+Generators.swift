import HLTensor

/// Operations of generators, composed of primitives.
extension Backend {
    // MARK: Upsampling

    /// Nearest neighbours at twice the side.
    private func doubling(_ side: Int) -> ResampleTaps {
        ResampleTaps(inputCount: side, rows: (0..<2 * side).map { ($0 / 2, [1]) })
    }

    package func addUpsampled(_ small: Tensor, to large: Tensor) {
        accumulate(resample(small, doubling(small.shape[3])), into: large)
    }

    package func upsampled(_ small: Tensor) -> Tensor { resample(small, doubling(small.shape[3])) }

    package func sumSquares(_ large: Tensor) -> Tensor {
        resample(large, doubling(large.shape[3] / 2).transposed)
    }

    /// As a transposed convolution with stride 2, channel by channel.
    package func filterUpsampled(_ x: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let (height, width) = (x.shape[2], x.shape[3]), planes = x.shape[0] * x.shape[1]
        let large = convolutionInputGradient(
            reshaped(x, [planes, 1, height, width]), weight: kernel(filter),
            inputShape: [planes, 1, 2 * height, 2 * width], window: Window(size: 4, stride: 2, padding: 1))
        return reshaped(large, [x.shape[0], x.shape[1], 2 * height, 2 * width])
    }

    package func filterUpsampledBackward(_ gradient: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let shape = gradient.shape
        let small = convolution(
            reshaped(gradient, [shape[0] * shape[1], 1, shape[2], shape[3]]), weight: kernel(filter),
            window: Window(size: 4, stride: 2, padding: 1))
        return reshaped(small, [shape[0], shape[1], shape[2] / 2, shape[3] / 2])
    }

    private func kernel(_ filter: UpsamplingFilter) -> Tensor {
        tensor(HostTensor(filter.kernel, shape: [1, 1, 4, 4]))
    }

    package func filter(_ x: Tensor, taps: [Float], offset: Int, outputSide: Int) -> Tensor {
        let side = x.shape[3]
        let rows = (0..<outputSide).map { index -> (start: Int, weights: [Float]) in
            let inside = taps.indices.filter { (0..<side).contains(index + $0 - offset) }
            return (inside.first.map { index + $0 - offset } ?? 0, inside.map { taps[$0] })
        }
        return resample(x, ResampleTaps(inputCount: side, rows: rows))
    }

    // MARK: Channels

    private func positions(_ x: Tensor) -> Int { x.shape.dropFirst(2).reduce(1, *) }

    package func channels(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let count = positions(x)
        let chosen = columns(
            reshaped(x, [x.shape[0], x.shape[1] * count]), range.lowerBound * count..<range.upperBound * count)
        return reshaped(chosen, [x.shape[0], range.count] + x.shape.dropFirst(2))
    }

    package func placeChannels(_ gradient: Tensor, in shape: [Int], at start: Int) -> Tensor {
        let count = positions(gradient), whole = constant(0, shape: [shape[0], shape.dropFirst().reduce(1, *)])
        addColumns(reshaped(gradient, [shape[0], gradient.shape[1] * count]), into: whole, at: start * count)
        return reshaped(whole, shape)
    }

    /// Entry `index` of the first dimension as a matrix [its first dimension, the rest].
    private func matrix(_ x: Tensor, _ index: Int) -> Tensor {
        reshaped(rows(x, index..<index + 1), [x.shape[1], positions(x)])
    }

    package func mixChannels(_ x: Tensor, weights: Tensor) -> Tensor {
        let mixed = (0..<x.shape[0]).map {
            matmul(matrix(weights, $0), matrix(x, $0), transposeA: false, transposeB: false)
        }
        return reshaped(concatenate(mixed), [x.shape[0], weights.shape[1]] + x.shape.dropFirst(2))
    }

    package func mixChannelsBackward(
        _ gradient: Tensor, input: Tensor, weights: Tensor
    ) -> (input: Tensor, weights: Tensor) {
        let samples = 0..<input.shape[0]
        let inputs = samples.map {
            matmul(matrix(weights, $0), matrix(gradient, $0), transposeA: true, transposeB: false)
        }
        let slopes = samples.map {
            matmul(matrix(gradient, $0), matrix(input, $0), transposeA: false, transposeB: true)
        }
        return (reshaped(concatenate(inputs), input.shape), reshaped(concatenate(slopes), weights.shape))
    }

    // MARK: Attention

    /// softmax(queryᵀ key) of one sample, [N, M].
    private func attentionWeights(_ query: Tensor, _ key: Tensor, _ sample: Int) -> Tensor {
        softmaxRows(matmul(matrix(query, sample), matrix(key, sample), transposeA: true, transposeB: false))
    }

    package func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor {
        let attended = (0..<query.shape[0]).map {
            matmul(matrix(value, $0), attentionWeights(query, key, $0), transposeA: false, transposeB: true)
        }
        return reshaped(concatenate(attended), [query.shape[0], value.shape[1]] + query.shape.dropFirst(2))
    }

    /// With S the weights and G the gradient of the output: dV = G S, dS = Gᵀ V, dA = S ∘ (dS − rowsum(dS ∘ S)),
    /// dQ = K dAᵀ, dK = Q dA.
    package func attentionBackward(
        _ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        var queries: [Tensor] = [], keys: [Tensor] = [], values: [Tensor] = []
        for sample in 0..<query.shape[0] {
            let weights = attentionWeights(query, key, sample), g = matrix(gradient, sample)
            let slopes = softmaxRowsBackward(
                matmul(g, matrix(value, sample), transposeA: true, transposeB: false), output: weights)
            queries.append(matmul(matrix(key, sample), slopes, transposeA: false, transposeB: true))
            keys.append(matmul(matrix(query, sample), slopes, transposeA: false, transposeB: false))
            values.append(matmul(g, weights, transposeA: false, transposeB: false))
        }
        return (
            reshaped(concatenate(queries), query.shape), reshaped(concatenate(keys), key.shape),
            reshaped(concatenate(values), value.shape)
        )
    }
}
