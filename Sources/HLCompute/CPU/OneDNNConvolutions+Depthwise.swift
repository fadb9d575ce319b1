#if HL_ONEDNN
    import COneDNN
    import HLTensor

    /// Convolutions of each channel by itself.
    extension OneDNNConvolutions {
        package func depthwise(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
            precondition(weight.shape == [x.shape[1], 1, window.size, window.size])
            let channels = x.shape[1], layout = choices.depthwiseLayout(channels, x.type)
            let result = backend.allocate(window.depthwiseOutput(x.shape), layout, type: x.type)
            guard
                let convolution = prepared(
                    x.shape, x.type, channels, window, HL_FORWARD, isDepthwise: true, backend)
            else { return result }
            let x = backend.laidOut(x, as: layout)
            run(convolution, x, packed(weight, for: convolution, backend), result, backend)
            return result
        }

        package func depthwiseInputGradient(
            _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
        ) -> Tensor {
            precondition(weight.shape == [inputShape[1], 1, window.size, window.size])
            precondition(gradient.shape == window.depthwiseOutput(inputShape))
            let channels = inputShape[1], layout = choices.depthwiseLayout(channels, gradient.type)
            let result = backend.allocate(inputShape, layout, type: gradient.type)
            guard
                let convolution = prepared(
                    inputShape, gradient.type, channels, window, HL_BACKWARD_DATA, isDepthwise: true, backend)
            else { return result }
            let gradient = backend.laidOut(gradient, as: layout)
            run(convolution, result, packed(weight, for: convolution, backend), gradient, backend)
            return result
        }

        package func depthwiseWeightGradient(
            _ gradient: Tensor, input: Tensor, window: Window, on backend: any ConvolutionHost
        ) -> Tensor {
            precondition(gradient.shape == window.depthwiseOutput(input.shape))
            let channels = input.shape[1], shape = [channels, 1, window.size, window.size]
            guard
                let convolution = prepared(
                    input.shape, input.type, channels, window, HL_BACKWARD_WEIGHTS, isDepthwise: true, backend)
            else { return backend.allocateFloats(shape) }
            let result = backend.allocateFloats(shape, convolution.hasPlainWeights ? .plain : .library(convolution))
            let layout = choices.depthwiseLayout(channels, input.type)
            let input = backend.laidOut(input, as: layout), gradient = backend.laidOut(gradient, as: layout)
            run(convolution, input, result.cpu, gradient, backend)
            return result
        }
    }
#endif
