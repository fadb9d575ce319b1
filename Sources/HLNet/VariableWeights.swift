import HLCompute

/// Products with weights that come out of other operations, with the way back to both sides.
extension Pass {
    /// A convolution of x [B, I, H, W] and weight [O, I, k, k].
    package func convolution(_ x: Variable, weight: Variable, _ window: Window) -> Variable {
        let backend = backend, filter = weight.value
        let y = backend.convolution(x.value, weight: filter, window: window)
        // A frozen weight needs nothing of its input.
        let input = weight.requiresGradient ? x.value : nil
        return tape.result(y, from: [x, weight]) { [x = x.sink, weight = weight.sink] gradient in
            if let input {
                weight.receive(
                    backend.convolutionWeightGradient(
                        gradient, input: input, weightShape: filter.shape, window: window), backend)
            }
            if x.requiresGradient {
                x.receive(
                    backend.convolutionInputGradient(gradient, weight: filter, inputShape: x.shape, window: window),
                    backend)
            }
        }
    }

    /// A 3 × 3 convolution with padding 1 and then means of squares of 2 × 2, [B, I, H, W] → [B, O, H/2, W/2].
    package func pooledConvolution(_ x: Variable, weight: Variable) -> Variable {
        convolution(x, weight: widened(weight, .pooling), KernelWidening.window)
    }

    /// Nearest-neighbour upsampling and then a 3 × 3 convolution with padding 1, [B, I, H, W] → [B, O, 2H, 2W].
    package func upsamplingConvolution(_ x: Variable, weight: Variable) -> Variable {
        let backend = backend, wide = widened(weight, .upsampling), filter = wide.value, window = KernelWidening.window
        let shape = [x.shape[0], weight.shape[0], 2 * x.shape[2], 2 * x.shape[3]]
        let y = backend.convolutionInputGradient(x.value, weight: filter, inputShape: shape, window: window)
        let input = weight.requiresGradient ? x.value : nil
        return tape.result(y, from: [x, wide]) { [x = x.sink, wide = wide.sink] gradient in
            if let input {
                wide.receive(
                    backend.convolutionWeightGradient(
                        input, input: gradient, weightShape: filter.shape, window: window), backend)
            }
            if x.requiresGradient {
                x.receive(backend.convolution(gradient, weight: filter, window: window), backend)
            }
        }
    }

    private func widened(_ weight: Variable, _ widening: KernelWidening) -> Variable {
        let backend = backend
        return tape.result(backend.widened(weight.value, widening), from: [weight]) {
            [shape = weight.shape, weight = weight.sink] gradient in
            weight.receive(backend.widenedBackward(gradient, weightShape: shape, widening), backend)
        }
    }

    /// x Wᵀ + b of x [B, in], weight [out, in] and bias [out].
    package func linear(_ x: Variable, weight: Variable, bias: Variable? = nil) -> Variable {
        let backend = backend
        let y = backend.matmul(x.value, weight.value, transposeA: false, transposeB: true)
        if let bias { backend.addRowVector(bias.value, to: y) }
        return tape.result(y, from: [x, weight, bias].compactMap(\.self)) { gradient in
            if weight.requiresGradient {
                weight.sink.receive(
                    backend.matmul(gradient, x.value, transposeA: true, transposeB: false), backend)
            }
            if let bias, bias.requiresGradient { bias.sink.receive(backend.columnSums(gradient), backend) }
            if x.requiresGradient {
                x.sink.receive(
                    backend.matmul(gradient, weight.value, transposeA: false, transposeB: false), backend)
            }
        }
    }

    /// Sums of the rows of a weight [n, d] by fixed factors [B, n], [B, d].
    package func mixed(_ factors: Tensor, _ weight: Variable) -> Variable {
        let backend = backend
        let y = backend.matmul(factors, weight.value, transposeA: false, transposeB: false)
        return tape.result(y, from: [weight]) { [weight = weight.sink] gradient in
            weight.receive(backend.matmul(factors, gradient, transposeA: true, transposeB: false), backend)
        }
    }

    /// y = act(x + b) of activations [B, C, H, W] with a bias [C].
    package func biased(_ x: Variable, _ bias: Variable, activation: Activation = .identity) -> Variable {
        let backend = backend
        let modulation = Modulation(
            shift: backend.reshaped(bias.value, [1, bias.value.elementCount]), activation: activation)
        let y = backend.modulate(x.value, modulation)
        return tape.result(y, from: [x, bias]) { [input = x.value, x = x.sink, bias = bias.sink] gradient in
            let gradients = backend.modulateBackward(gradient, input: input, modulation)
            if x.requiresGradient { x.receive(gradients.input, backend) }
            if bias.requiresGradient { bias.receive(backend.columnSums(gradients.shift), backend) }
        }
    }

    /// [B, d] and [B, e] side by side, [B, d + e].
    package func joinedColumns(_ left: Variable, _ right: Variable) -> Variable {
        let backend = backend, (width, more) = (left.shape[1], right.shape[1])
        let y = backend.constant(0, shape: [left.shape[0], width + more])
        backend.addColumns(left.value, into: y, at: 0)
        backend.addColumns(right.value, into: y, at: width)
        return tape.result(y, from: [left, right]) { [left = left.sink, right = right.sink] gradient in
            if left.requiresGradient { left.receive(backend.columns(gradient, 0..<width), backend) }
            if right.requiresGradient { right.receive(backend.columns(gradient, width..<width + more), backend) }
        }
    }

    /// [B, C, H, W] at twice its side by nearest neighbours.
    package func upsampled(_ x: Variable) -> Variable {
        let backend = backend
        return tape.result(backend.upsampled(x.value), from: [x]) { [x = x.sink] gradient in
            x.receive(backend.sumSquares(gradient), backend)
        }
    }

    /// [B, C, H, W] to half its side, means of squares of 2 × 2.
    package func averageSquares(_ x: Variable) -> Variable {
        let backend = backend
        return tape.result(backend.scale(backend.sumSquares(x.value), by: 0.25), from: [x]) {
            [x = x.sink] gradient in
            x.receive(backend.upsampled(backend.scale(gradient, by: 0.25)), backend)
        }
    }
}
