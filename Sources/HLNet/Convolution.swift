import HLCompute

/// A square two-dimensional convolution without bias (torch.nn.Conv2d).
package final class Convolution: Module {
    /// [O, I, k, k]
    package let weight: Parameter
    /// Side, stride and padding.
    package let window: Window

    /// A layer with torchvision's initialisation (Kaiming, fan out), once it is drawn.
    package init(_ backend: any Backend, _ inChannels: Int, _ outChannels: Int, _ window: Window) {
        let shape = [outChannels, inChannels, window.size, window.size]
        weight = Parameter(backend, shape, .kaimingFanOut(shape))
        self.window = window
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "weight", .parameter(weight))
    }

    /// [B, I, H, W] → [B, O, H', W'].
    package func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        let backend = pass.backend, weight = weight, window = window
        let y = backend.convolution(x.value, weight: weight.value, window: window)
        // A frozen layer needs nothing of its input.
        let input = weight.requiresGradient ? x.value : nil
        return pass.tape.result(y, from: [x, weight]) { [x = x.sink] gradient in
            if let input {
                weight.sink.receive(
                    backend.convolutionWeightGradient(
                        gradient, input: input, weightShape: weight.shape, window: window), backend)
            }
            if x.requiresGradient {
                x.receive(
                    backend.convolutionInputGradient(
                        gradient, weight: weight.value, inputShape: x.shape, window: window), backend)
            }
        }
    }
}
