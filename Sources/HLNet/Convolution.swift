import HLCompute

/// A square two-dimensional convolution without bias (torch.nn.Conv2d).
package final class Convolution: Module {
    /// [O, I, k, k]
    package let weight: Parameter
    /// Side, stride and padding for an input side.
    private let window: @Sendable (Int) -> Window

    /// A layer with torchvision's initialisation (Kaiming, fan out), once it is drawn.
    package convenience init(_ backend: any Backend, _ inChannels: Int, _ outChannels: Int, _ window: Window) {
        self.init(backend, inChannels, outChannels, size: window.size) { _ in window }
    }

    /// A layer whose padding may depend on the side of its input, as TensorFlow's does (`Window.same`).
    package init(
        _ backend: any Backend, _ inChannels: Int, _ outChannels: Int, size: Int,
        _ window: @escaping @Sendable (_ side: Int) -> Window
    ) {
        let shape = [outChannels, inChannels, size, size]
        weight = Parameter(backend, shape, .kaimingFanOut(shape))
        self.window = window
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "weight", .parameter(weight))
    }

    /// [B, I, H, W] → [B, O, H', W'].
    package func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        let backend = pass.backend, weight = weight, window = window(x.shape[2])
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
