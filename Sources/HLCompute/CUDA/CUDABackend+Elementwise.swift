import CCUDA
import HLTensor

/// Value by value, and the last values of a generator as images.
extension CUDABackend {
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        let (b, result) = paired(b, with: a)
        launch(
            hl_kernel_add, .overFours(result),
            hl_cuda_add(x: a.either, y: b.either, z: result.either, count: result.count32))
        return result
    }

    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        let (b, result) = paired(b, with: a)
        launch(
            hl_kernel_multiply, .overFours(result),
            hl_cuda_multiply(x: a.either, y: b.either, z: result.either, count: result.count32))
        return result
    }

    package func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        let (gradient, result) = paired(gradient, with: output)
        launch(
            hl_kernel_relu_backward, .overFours(result),
            hl_cuda_relu_backward(
                x: output.either, y: gradient.either, z: result.either, count: result.count32))
        return result
    }

    /// A second operand in the type of the first, and a result of its type and shape.
    private func paired(_ other: Tensor, with first: Tensor) -> (other: Tensor, result: Tensor) {
        precondition(other.shape == first.shape)
        return (converted(other, to: first.type), like(first))
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let result = like(x)
        launch(
            hl_kernel_scale, .overFours(x),
            hl_cuda_scale(x: x.either, y: result.either, count: x.count32, parameter: factor))
        return result
    }

    package func inverseRoot(_ x: Tensor, epsilon: Float) -> Tensor {
        let result = like(x)
        launch(
            hl_kernel_inverse_root, .overFours(x),
            hl_cuda_inverse_root(x: x.either, y: result.either, count: x.count32, parameter: epsilon))
        return result
    }

    package func relu(_ x: Tensor) -> Tensor {
        let result = like(x)
        launch(
            hl_kernel_relu, .overFours(x),
            hl_cuda_relu(x: x.either, y: result.either, count: x.count32, parameter: 0))
        return result
    }

    // MARK: Images

    package func toImage(_ x: Tensor, _ squash: Squash) -> Tensor {
        precondition(x.shape.count == 4 && x.shape[1] >= 3)
        let result = allocate([x.shape[0], 3, x.shape[2], x.shape[3]])
        launch(
            hl_kernel_to_image, .over(result.elementCount),
            hl_cuda_to_image(
                x: x.either, image: result.f32, count: result.count32, channels: UInt32(kernel: x.shape[1]),
                clamps: squash == .clamp ? 1 : 0))
        return result
    }

    package func toImageBackward(
        _ gradient: Tensor, image: Tensor, inputShape: [Int], type: ElementType, _ squash: Squash
    ) -> Tensor {
        precondition(gradient.shape == image.shape && inputShape[1] >= 3)
        let result = allocate(inputShape, type: type)
        launch(
            hl_kernel_to_image_backward, .over(result.elementCount),
            hl_cuda_to_image_backward(
                image: image.f32, gradient: gradient.f32, x: result.either, count: result.count32,
                channels: UInt32(kernel: inputShape[1]), clamps: squash == .clamp ? 1 : 0))
        return result
    }

    // MARK: Channels mixed to a few

    package func mixChannels(_ x: Tensor, weights: Tensor) -> Tensor {
        let (samples, channels, outputs) = (x.shape[0], x.shape[1], weights.shape[1])
        precondition(weights.shape == [samples, outputs, channels] && outputs <= Int(HL_CUDA_MIX_OUTPUTS))
        let result = allocate([samples, outputs, x.shape[2], x.shape[3]])
        guard x.elementCount > 0 else { return result }
        let size = Int(HL_CUDA_MIX_POSITIONS), parts = (x.positions + size - 1) / size
        launch(
            hl_kernel_mix_channels, Grid(samples * parts),
            hl_cuda_mix_channels(
                x: x.either, weights: weights.f32, y: result.f32, positions: UInt32(kernel: x.positions),
                channels: UInt32(kernel: channels), outputs: UInt32(outputs), wide: x.vectors.wide,
                parts: UInt32(kernel: parts)))
        return result
    }

    package func mixChannelsBackward(
        _ gradient: Tensor, input: Tensor, weights: Tensor
    ) -> (input: Tensor, weights: Tensor) {
        let (samples, channels, outputs) = (input.shape[0], input.shape[1], weights.shape[1])
        precondition(weights.shape == [samples, outputs, channels] && outputs <= Int(HL_CUDA_MIX_OUTPUTS))
        precondition(gradient.shape == [samples, outputs] + input.shape.dropFirst(2))
        let inputs = like(input), result = like(weights)
        guard input.elementCount > 0 else { return (inputs, result) }
        let tiles = ChannelTiles(samples: samples, places: input.positions, of: input, turns: 64)
        let sums = tiles.parts > 1 ? allocate([samples, tiles.parts, outputs, channels]) : result
        launch(
            hl_kernel_mix_channels_backward, tiles.grid,
            hl_cuda_mix_channels_backward(
                x: input.either, input_gradient: inputs.either, weights: weights.f32, gradient: gradient.f32,
                sums: sums.f32, positions: UInt32(kernel: input.positions), channels: UInt32(kernel: channels),
                outputs: UInt32(outputs), wide: tiles.kernel.wide, lanes: tiles.kernel.lanes,
                tiles: tiles.kernel.tiles, parts: tiles.kernel.parts, span: tiles.kernel.span))
        if tiles.parts > 1 {
            addChannelParts([sums], into: [result], outer: samples, parts: tiles.parts, inner: outputs * channels)
        }
        return (inputs, result)
    }
}

extension Grid {
    /// Blocks for a kernel whose threads take four values of a tensor at a time.
    fileprivate static func overFours(_ tensor: Tensor) -> Grid { over((tensor.elementCount + 3) / 4) }
}
