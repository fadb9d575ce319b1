import HLCompute

/// Batch normalisation over [B, C, H, W] or [B, C] (torch.nn.BatchNorm2d, BatchNorm1d), with the residual addition and
/// the ReLU that follow it in a ResNet taken along in the same pass over memory.
package final class BatchNorm: Module {
    /// Scale and shift, [C]; none in a batch norm without affine part.
    package let weight: Parameter?
    /// Shift, [C]; none without affine part.
    package let bias: Parameter?
    private let running: RunningStatistics
    private let batchesTracked = Counter()
    private let epsilon: Float

    /// - Parameters:
    ///   - zeroInitialised: start with a scale of 0, so that a residual block begins as the identity (Goyal et al. 2017;
    ///     torchvision's `zero_init_residual`).
    ///   - epsilon: beside the variance; PyTorch's by default.
    package init(
        _ backend: any Backend, _ channels: Int, affine: Bool = true, zeroInitialised: Bool = false,
        epsilon: Float = 1e-5
    ) {
        self.epsilon = epsilon
        weight = affine ? Parameter(backend, [channels], .constant(zeroInitialised ? 0 : 1)) : nil
        bias = affine ? Parameter(backend, [channels], .constant(0)) : nil
        running = RunningStatistics(
            mean: backend.constant(0, shape: [channels]), variance: backend.constant(1, shape: [channels]))
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        if let weight, let bias {
            try body(prefix + "weight", .parameter(weight))
            try body(prefix + "bias", .parameter(bias))
        }
        try body(prefix + "running_mean", .buffer(running.mean, .constant(0)))
        try body(prefix + "running_var", .buffer(running.variance, .constant(1)))
        try body(prefix + "num_batches_tracked", .counter(batchesTracked))
    }

    /// y = ReLU(norm(x) + residual), of x's shape.
    package func callAsFunction(
        _ x: Variable, residual: Variable? = nil, relu: Bool = false, _ pass: Pass
    ) -> Variable {
        let backend = pass.backend, weight = weight, bias = bias
        let (y, statistics) =
            pass.isTraining
            ? backend.batchNorm(
                x.value, weight: weight?.value, bias: bias?.value, running: running, epsilon: epsilon,
                groups: pass.groups, residual: residual?.value, relu: relu, over: pass.normalisingRanks)
            : backend.batchNormInference(
                x.value, weight: weight?.value, bias: bias?.value, running: running, epsilon: epsilon,
                residual: residual?.value, relu: relu)
        if pass.isTraining { batchesTracked.value += Int64(pass.groups) }
        let mask: ReLUMask? = !relu ? nil : residual == nil ? .norm(y, bias: bias?.value) : .output(y)
        let inputs = [x, weight, bias, residual].compactMap(\.self)
        return pass.tape.result(y, from: inputs) {
            [input = x.value, x = x.sink, residual = residual?.sink] gradient, addend in
            let gradients = backend.batchNormBackward(
                gradient, adding: addend, input: input, relu: mask, weight: weight?.value, statistics: statistics,
                wantsResidual: residual?.requiresGradient ?? false)
            gradients.arrive(at: x, weight, bias, residual, backend)
        }
    }

    /// Maxima over windows of ReLU(norm(x)), [B, C, H, W] → [B, C, H', W'], the end of a stem. In training the larger
    /// activations in between are never stored.
    package func callAsFunction(_ x: Variable, reluAndMaxPool window: Window, _ pass: Pass) -> Variable {
        guard pass.isTraining else { return pass.maxPool(self(x, relu: true, pass), window) }
        let backend = pass.backend, weight = weight, bias = bias
        let (y, chosen, statistics) = backend.batchNormMaxPool(
            x.value, weight: weight?.value, bias: bias?.value, running: running, epsilon: epsilon, groups: pass.groups,
            window: window, over: pass.normalisingRanks)
        batchesTracked.value += Int64(pass.groups)
        return pass.tape.result(y, from: [x, weight, bias].compactMap(\.self)) {
            [input = x.value, x = x.sink] gradient in
            let gradients = backend.batchNormMaxPoolBackward(
                gradient, output: y, chosen: chosen, input: input, weight: weight?.value, statistics: statistics,
                window: window)
            gradients.arrive(at: x, weight, bias, nil, backend)
        }
    }

    /// y = act(norm(x)), of x's shape. Where nothing is recorded and statistics are fixed, norm and activation are one pass
    /// over memory.
    package func callAsFunction(_ x: Variable, activation: Activation, _ pass: Pass) -> Variable {
        guard !pass.isTraining, !pass.tape.isRecording else {
            return pass.modulate(self(x, pass), activation: activation)
        }
        let backend = pass.backend
        func row(_ vector: Tensor) -> Tensor { backend.reshaped(vector, [1, vector.elementCount]) }
        let inverse = backend.inverseRoot(row(running.variance), epsilon: epsilon)
        let scale = weight.map { backend.multiply(inverse, row($0.value)) } ?? inverse
        let offset = backend.scale(backend.multiply(row(running.mean), scale), by: -1)
        let shift = bias.map { backend.add(offset, row($0.value)) } ?? offset
        return Variable(backend.modulate(x.value, Modulation(scale: scale, shift: shift, activation: activation)))
    }
}

extension Pass {
    /// y = ReLU(norm(x) · weight + bias): in training by the batch's own statistics, which go to `running` where it is given,
    /// else by `fixed` ones.
    package func batchNorm(
        _ x: Variable, weight: Variable, bias: Variable, running: RunningStatistics?, fixed: RunningStatistics,
        epsilon: Float, relu: Bool
    ) -> Variable {
        let backend = backend
        let (y, statistics) =
            isTraining
            ? backend.batchNorm(
                x.value, weight: weight.value, bias: bias.value, running: running, epsilon: epsilon, groups: groups,
                residual: nil, relu: relu, over: normalisingRanks)
            : backend.batchNormInference(
                x.value, weight: weight.value, bias: bias.value, running: fixed, epsilon: epsilon, residual: nil,
                relu: relu)
        return tape.result(y, from: [x, weight, bias]) { [input = x.value, x = x.sink] gradient, addend in
            let gradients = backend.batchNormBackward(
                gradient, adding: addend, input: input, relu: relu ? .norm(y, bias: bias.value) : nil,
                weight: weight.value,
                statistics: statistics,
                wantsResidual: false)
            gradients.arrive(at: x, weight, bias, nil, backend)
        }
    }
}

extension BatchNormGradients {
    /// Each goes to where it is wanted.
    fileprivate func arrive(
        at x: GradientSink, _ weight: Variable?, _ bias: Variable?, _ residual: GradientSink?, _ backend: any Backend
    ) {
        if let weight, weight.requiresGradient { weight.sink.receive(self.weight, backend) }
        if let bias, bias.requiresGradient { bias.sink.receive(self.bias, backend) }
        if x.requiresGradient { x.receive(input, backend) }
        if let residual, let gradient = self.residual { residual.receive(gradient, backend) }
    }
}
