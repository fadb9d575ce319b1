import HLTensor

/// Convolutions are the engine's. Where it has none of BF16, its own of F32 stand in, of values that are rounded before
/// and after: the same numbers up to the order of a sum.
extension CPUBackend {
    /// The engine's: all else takes BF16 anywhere.
    package var bf16: BF16Support { engine.bf16 }

    func activationLayout(_ channels: Int) -> CPUStorage.Layout { engine.activationLayout(channels) }

    package func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        guard isEmulated(x) else { return engine.convolution(x, weight: weight, window: window, on: self) }
        return narrow(engine.convolution(widened(x), weight: rounded(weight), window: window, on: self))
    }

    package func convolutionInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        guard isEmulated(gradient) else {
            return engine.inputGradient(gradient, weight: weight, inputShape: inputShape, window: window, on: self)
        }
        return narrow(
            engine.inputGradient(
                widened(gradient), weight: rounded(weight), inputShape: inputShape, window: window, on: self))
    }

    package func convolutionWeightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window
    ) -> Tensor {
        let gradient = converted(gradient, to: input.type), isEmulated = isEmulated(input)
        return engine.weightGradient(
            isEmulated ? widened(gradient) : gradient, input: isEmulated ? widened(input) : input,
            weightShape: weightShape, window: window, on: self)
    }

    package func depthwiseConvolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        guard isEmulated(x) else { return engine.depthwise(x, weight: weight, window: window, on: self) }
        return narrow(engine.depthwise(widened(x), weight: rounded(weight), window: window, on: self))
    }

    package func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        guard isEmulated(gradient) else {
            return engine.depthwiseInputGradient(
                gradient, weight: weight, inputShape: inputShape, window: window, on: self)
        }
        return narrow(
            engine.depthwiseInputGradient(
                widened(gradient), weight: rounded(weight), inputShape: inputShape, window: window, on: self))
    }

    package func depthwiseWeightGradient(_ gradient: Tensor, input: Tensor, window: Window) -> Tensor {
        let gradient = converted(gradient, to: input.type), isEmulated = isEmulated(input)
        return engine.depthwiseWeightGradient(
            isEmulated ? widened(gradient) : gradient, input: isEmulated ? widened(input) : input, window: window,
            on: self)
    }

    // MARK: BF16 by F32

    private func isEmulated(_ x: Tensor) -> Bool { x.type == .bf16 && engine.bf16 != .native }

    private func widened(_ x: Tensor) -> Tensor { converted(x, to: .f32) }

    private func narrow(_ x: Tensor) -> Tensor { converted(x, to: .bf16) }

    private func rounded(_ weight: Tensor) -> Tensor { widened(narrow(weight)) }
}
