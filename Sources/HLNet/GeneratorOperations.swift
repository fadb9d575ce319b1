import HLCompute

/// Operations of generators, each with its way back beside it.
extension Pass {
    /// y = act(x · scale + shift + noise) · gain, per sample and channel (`Modulation`).
    /// - Parameters:
    ///   - x: [B, C, H, W] or [B, C], or the phases of an upsampling convolution.
    ///   - scale, shift, gain: [B, C], or [1, C] for all samples, which then get no gradient.
    package func modulate(
        _ x: Variable, scale: Variable? = nil, shift: Variable? = nil, gain: Variable? = nil, noise: Tensor? = nil,
        activation: Activation = .identity, arrangement: PhaseArrangement = .same
    ) -> Variable {
        let backend = backend
        let modulation = Modulation(
            scale: scale?.value, shift: shift?.value, gain: gain?.value, noise: noise, activation: activation,
            arrangement: arrangement)
        let y = backend.modulate(x.value, modulation)
        return tape.result(y, from: [x, scale, shift, gain].compactMap(\.self)) {
            [input = x.value, x = x.sink, scale = scale?.sink, shift = shift?.sink, gain = gain?.sink] gradient in
            let gradients = backend.modulateBackward(gradient, input: input, modulation)
            if x.requiresGradient { x.receive(gradients.input, backend) }
            for (sink, gradient) in [(scale, gradients.scale), (shift, gradients.shift), (gain, gradients.gain)] {
                if let sink, sink.requiresGradient { sink.receive(gradient, backend) }
            }
        }
    }

    /// large + small upsampled to twice its side by nearest neighbours; `large` is overwritten and must not be used
    /// again.
    package func addingUpsampled(_ small: Variable, to large: Variable) -> Variable {
        let backend = backend
        backend.addUpsampled(small.value, to: large.value)
        return tape.result(large.value, from: [small, large]) { [small = small.sink, large = large.sink] gradient in
            if small.requiresGradient { small.receive(backend.sumSquares(gradient), backend) }
            if large.requiresGradient { large.receive(gradient, backend) }
        }
    }

    /// [B, C, H, W] to [B, C, 2H, 2W] by zero insertion and a filter.
    package func filterUpsampled(_ x: Variable, _ filter: UpsamplingFilter) -> Variable {
        let backend = backend
        return tape.result(backend.filterUpsampled(x.value, filter), from: [x]) { [x = x.sink] gradient in
            x.receive(backend.filterUpsampledBackward(gradient, filter), backend)
        }
    }

    /// Four taps along both sides, y[n] = Σ taps[k] x[n + k − offset] (`Backend.filter`).
    package func filter(_ x: Variable, taps: [Float], offset: Int, outputSide: Int) -> Variable {
        let backend = backend, side = x.shape[3]
        return tape.result(
            backend.filter(x.value, taps: taps, offset: offset, outputSide: outputSide), from: [x]
        ) { [x = x.sink] gradient in
            x.receive(
                backend.filter(gradient, taps: taps.reversed(), offset: 3 - offset, outputSide: side), backend)
        }
    }

    /// A transposed convolution without padding and with fixed weights, [I, O, k, k]: [B, I, H, H] → [B, O, S, S], S =
    /// (H − 1) · stride + k.
    package func transposedConvolution(_ x: Variable, _ weight: Tensor, _ window: Window) -> Variable {
        let backend = backend, side = (x.shape[2] - 1) * window.stride + window.size
        let y = backend.convolutionInputGradient(
            x.value, weight: weight, inputShape: [x.shape[0], weight.shape[1], side, side], window: window)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.convolution(gradient, weight: weight, window: window), backend)
        }
    }

    /// A 1 × 1 convolution with weights per sample, [B, O, C].
    package func mixChannels(_ x: Variable, weights: Variable) -> Variable {
        let backend = backend
        return tape.result(
            backend.mixChannels(x.value, weights: weights.value), from: [x, weights]
        ) { gradient in
            let gradients = backend.mixChannelsBackward(gradient, input: x.value, weights: weights.value)
            if x.requiresGradient { x.sink.receive(gradients.input, backend) }
            if weights.requiresGradient { weights.sink.receive(gradients.weights, backend) }
        }
    }

    /// Channels `range` of [B, C, H, W], row-major.
    package func channels(_ x: Variable, _ range: Range<Int>) -> Variable {
        let backend = backend, shape = x.shape
        return tape.result(backend.channels(x.value, range), from: [x]) { [x = x.sink] gradient in
            x.receive(backend.placeChannels(gradient, in: shape, at: range.lowerBound), backend)
        }
    }

    /// `base` [B, e] with x [B, d] added to the d columns from each of `starts` on; `base` is overwritten and must not be
    /// used again.
    package func addingColumns(_ x: Variable, to base: Variable, at starts: [Int]) -> Variable {
        let backend = backend, width = x.shape[1]
        for start in starts { backend.addColumns(x.value, into: base.value, at: start) }
        return tape.result(base.value, from: [x, base]) { [x = x.sink, base = base.sink] gradient in
            if x.requiresGradient {
                for start in starts { x.receive(backend.columns(gradient, start..<start + width), backend) }
            }
            if base.requiresGradient { base.receive(gradient, backend) }
        }
    }

    /// Columns `range` of [B, d].
    package func columns(_ x: Variable, _ range: Range<Int>) -> Variable {
        let backend = backend, shape = x.shape
        return tape.result(backend.columns(x.value, range), from: [x]) { [x = x.sink] gradient in
            let whole = backend.constant(0, shape: shape)
            backend.addColumns(gradient, into: whole, at: range.lowerBound)
            x.receive(whole, backend)
        }
    }

    /// The same values in another shape of as many elements.
    package func reshaped(_ x: Variable, _ shape: [Int]) -> Variable {
        let backend = backend, original = x.shape
        return tape.result(backend.reshaped(x.value, shape), from: [x]) { [x = x.sink] gradient in
            x.receive(backend.reshaped(gradient, original), backend)
        }
    }

    /// Σ over keys of softmax(queryᵀ key) value (`Backend.attention`).
    package func attention(query: Variable, key: Variable, value: Variable) -> Variable {
        let backend = backend
        let y = backend.attention(query: query.value, key: key.value, value: value.value)
        return tape.result(y, from: [query, key, value]) { gradient in
            let gradients = backend.attentionBackward(
                gradient, query: query.value, key: key.value, value: value.value)
            if query.requiresGradient { query.sink.receive(gradients.query, backend) }
            if key.requiresGradient { key.sink.receive(gradients.key, backend) }
            if value.requiresGradient { value.sink.receive(gradients.value, backend) }
        }
    }

    /// Images 0…1 from the first three channels.
    package func toImage(_ x: Variable, _ squash: Squash) -> Variable {
        let backend = backend, shape = x.shape, image = backend.toImage(x.value, squash)
        return tape.result(image, from: [x]) { [x = x.sink, type = x.value.type] gradient in
            x.receive(
                backend.toImageBackward(gradient, image: image, inputShape: shape, type: type, squash), backend)
        }
    }

    /// The same linear map along both sides of square images.
    package func resample(_ images: Variable, _ taps: ResampleTaps) -> Variable {
        let backend = backend
        return tape.result(backend.resample(images.value, taps), from: [images]) { [images = images.sink] gradient in
            images.receive(backend.resample(gradient, taps.transposed), backend)
        }
    }

    /// a + b, of one shape.
    package func add(_ a: Variable, _ b: Variable) -> Variable {
        let backend = backend
        return tape.result(backend.add(a.value, b.value), from: [a, b]) { [a = a.sink, b = b.sink] gradient in
            if a.requiresGradient { a.receive(b.requiresGradient ? backend.copy(gradient) : gradient, backend) }
            if b.requiresGradient { b.receive(gradient, backend) }
        }
    }

    /// a · b, element by element, of one shape.
    package func multiply(_ a: Variable, _ b: Variable) -> Variable {
        let backend = backend
        return tape.result(backend.multiply(a.value, b.value), from: [a, b]) { gradient in
            if a.requiresGradient { a.sink.receive(backend.multiply(gradient, b.value), backend) }
            if b.requiresGradient { b.sink.receive(backend.multiply(gradient, a.value), backend) }
        }
    }

    /// factor · x.
    package func scale(_ x: Variable, by factor: Float) -> Variable {
        let backend = backend
        return tape.result(backend.scale(x.value, by: factor), from: [x]) { [x = x.sink] gradient in
            x.receive(backend.scale(gradient, by: factor), backend)
        }
    }

    /// 1 / √(x + ε), whose derivative is −½ y³.
    package func inverseRoot(_ x: Variable, epsilon: Float) -> Variable {
        let backend = backend, y = backend.inverseRoot(x.value, epsilon: epsilon)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            let cube = backend.multiply(backend.multiply(y, y), y)
            x.receive(backend.scale(backend.multiply(gradient, cube), by: -0.5), backend)
        }
    }

    /// x Wᵀ + b with fixed weights, [out, in] and [out]; a row of the result depends on its own row of x alone.
    package func linear(_ x: Variable, _ weight: Tensor, _ bias: Tensor? = nil) -> Variable {
        let backend = backend
        let y = backend.projectRows(x.value, weight)
        if let bias { backend.addRowVector(bias, to: y) }
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.matmul(gradient, weight, transposeA: false, transposeB: false), backend)
        }
    }

    /// A convolution with fixed weights, [O, I, k, k].
    package func convolution(_ x: Variable, _ weight: Tensor, _ window: Window) -> Variable {
        let backend = backend, shape = x.shape
        return tape.result(backend.convolution(x.value, weight: weight, window: window), from: [x]) {
            [x = x.sink] gradient in
            x.receive(
                backend.convolutionInputGradient(gradient, weight: weight, inputShape: shape, window: window), backend)
        }
    }
}

extension Pass {
    /// [B, d] `count` times side by side, [B, count · d].
    package func tiled(_ x: Variable, _ count: Int) -> Variable {
        let backend = backend, width = x.shape[1]
        let y = backend.constant(0, shape: [x.shape[0], count * width])
        for copy in 0..<count { backend.addColumns(x.value, into: y, at: copy * width) }
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            for copy in 0..<count {
                x.receive(backend.columns(gradient, copy * width..<(copy + 1) * width), backend)
            }
        }
    }

    /// [B, d] with the same row [1, e] behind each of its own, [B, d + e].
    package func appendingColumns(_ x: Variable, _ row: Tensor) -> Variable {
        let backend = backend, width = x.shape[1], more = row.shape[1]
        let y = backend.constant(0, shape: [x.shape[0], width + more])
        backend.addColumns(x.value, into: y, at: 0)
        let rows = backend.concatenate([Tensor](repeating: row, count: x.shape[0]))
        backend.addColumns(rows, into: y, at: width)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.columns(gradient, 0..<width), backend)
        }
    }
}
