import HLCompute

/// A depthwise convolution without bias (torch.nn.Conv2d with as many groups as channels).
package final class DepthwiseConvolution: Module {
    /// [C, 1, k, k]
    package let weight: Parameter
    /// Side, stride and padding for an input side.
    private let window: @Sendable (Int) -> Window

    /// A layer that is drawn from N(0, 2 / k²), the variance of Kaiming with the fan out of one group.
    package init(
        _ backend: any Backend, _ channels: Int, size: Int, _ window: @escaping @Sendable (_ side: Int) -> Window
    ) {
        weight = Parameter(
            backend, [channels, 1, size, size], .normal(standardDeviation: (2 / Float(size * size)).squareRoot()))
        self.window = window
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "weight", .parameter(weight))
    }

    /// [B, C, H, W] → [B, C, H', W'].
    package func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        let backend = pass.backend, weight = weight, window = window(x.shape[2])
        let y = backend.depthwiseConvolution(x.value, weight: weight.value, window: window)
        // A frozen layer needs nothing of its input.
        let input = weight.requiresGradient ? x.value : nil
        return pass.tape.result(y, from: [x, weight]) { [x = x.sink] gradient in
            if let input {
                weight.sink.receive(
                    backend.depthwiseWeightGradient(gradient, input: input, window: window), backend)
            }
            if x.requiresGradient {
                x.receive(
                    backend.depthwiseInputGradient(
                        gradient, weight: weight.value, inputShape: x.shape, window: window), backend)
            }
        }
    }
}
