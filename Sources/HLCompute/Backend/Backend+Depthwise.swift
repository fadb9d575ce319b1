import HLTensor

/// Depthwise convolution composed of primitives: a convolution whose weight is zero but for its diagonal of channels.
extension Backend {
    package func depthwiseConvolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        convolution(x, weight: diagonal(weight), window: window)
    }

    package func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        convolutionInputGradient(gradient, weight: diagonal(weight), inputShape: inputShape, window: window)
    }

    package func depthwiseWeightGradient(_ gradient: Tensor, input: Tensor, window: Window) -> Tensor {
        let channels = input.shape[1], size = window.size
        let full = convolutionWeightGradient(
            gradient, input: input, weightShape: [channels, channels, size, size], window: window)
        let places = tensor(.i32, shape: [channels]) { bytes in
            for channel in 0..<channels {
                bytes.storeBytes(of: Int32(channel * (channels + 1)), toByteOffset: 4 * channel, as: Int32.self)
            }
        }
        let kernels = rows(reshaped(full, [channels * channels, size * size]), at: places)
        return reshaped(kernels, [channels, 1, size, size])
    }

    /// [C, 1, k, k] as [C, C, k, k].
    private func diagonal(_ weight: Tensor) -> Tensor {
        let channels = weight.shape[0], size = weight.shape[2]
        let kernels = reshaped(weight, [channels, size * size])
        let result = constant(0, shape: [channels * channels, size * size])
        for channel in 0..<channels {
            assignRows(rows(kernels, channel..<channel + 1), to: result, at: channel * (channels + 1))
        }
        return reshaped(result, [channels, channels, size, size])
    }
}
