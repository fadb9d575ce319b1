import HLTensor

/// Convolutions are the engine's. Where it has none of BF16, its own of F32 stand in, of values that are rounded before
/// and after: the same numbers up to the order of a sum.
extension CPUBackend {
    /// The engine's: all else takes BF16 anywhere.
    package var bf16: BF16Support { engine.bf16 }

    func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
        engine.activationLayout(channels, type)
    }

    package func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        activations(x, weight) { engine.convolution($0, weight: $1, window: window, on: self) }
    }

    package func convolutionInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        activations(gradient, weight) {
            engine.inputGradient($0, weight: $1, inputShape: inputShape, window: window, on: self)
        }
    }

    package func convolutionWeightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window
    ) -> Tensor {
        weights(gradient, input) {
            engine.weightGradient($0, input: $1, weightShape: weightShape, window: window, on: self)
        }
    }

    package func depthwiseConvolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        activations(x, weight) { engine.depthwise($0, weight: $1, window: window, on: self) }
    }

    package func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        activations(gradient, weight) {
            engine.depthwiseInputGradient($0, weight: $1, inputShape: inputShape, window: window, on: self)
        }
    }

    package func depthwiseWeightGradient(_ gradient: Tensor, input: Tensor, window: Window) -> Tensor {
        weights(gradient, input) { engine.depthwiseWeightGradient($0, input: $1, window: window, on: self) }
    }

    // MARK: BF16 by F32

    private func isEmulated(_ x: Tensor) -> Bool { x.type == .bf16 && engine.bf16 != .native }

    /// Activations from activations and weights.
    private func activations(_ x: Tensor, _ weight: Tensor, _ product: (Tensor, Tensor) -> Tensor) -> Tensor {
        guard isEmulated(x) else { return product(x, weight) }
        let rounded = converted(converted(weight, to: .bf16), to: .f32)
        return converted(product(converted(x, to: .f32), rounded), to: .bf16)
    }

    /// The gradient of weights, from that of an output and the input, whose type counts.
    private func weights(_ gradient: Tensor, _ input: Tensor, _ product: (Tensor, Tensor) -> Tensor) -> Tensor {
        let gradient = converted(gradient, to: input.type)
        guard isEmulated(input) else { return product(gradient, input) }
        return product(converted(gradient, to: .f32), converted(input, to: .f32))
    }
}
