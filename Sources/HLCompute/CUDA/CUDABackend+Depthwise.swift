import CCUDA
import HLTensor

/// Depthwise convolution by kernels of our own: there is nothing for a matrix product in it, and every value is read
/// for nine or twenty-five sums that lie beside each other.
extension CUDABackend {
    package func depthwiseConvolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        let shape = DepthwiseShape(input: x.shape, weight: weight.shape, window: window)
        let result = allocate(window.depthwiseOutput(x.shape), type: x.type), taps = byTaps(weight)
        launch(
            hl_kernel_depthwise, shape.grid(over: result),
            hl_cuda_depthwise(
                x: x.either, y: result.either, weight: taps.f32, count: result.count32, channels: shape.channels,
                height: shape.height, width: shape.width, rows: shape.rows, columns: shape.columns,
                kernel: shape.kernel, stride: shape.stride, padding: shape.padding))
        return result
    }

    package func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        let shape = DepthwiseShape(input: inputShape, weight: weight.shape, window: window)
        precondition(gradient.shape == window.depthwiseOutput(inputShape))
        let result = allocate(inputShape, type: gradient.type), taps = byTaps(weight)
        launch(
            hl_kernel_depthwise_input_gradient, shape.grid(over: result),
            hl_cuda_depthwise_input_gradient(
                x: result.either, y: gradient.either, weight: taps.f32, count: result.count32,
                channels: shape.channels, height: shape.height, width: shape.width, rows: shape.rows,
                columns: shape.columns, kernel: shape.kernel, stride: shape.stride, padding: shape.padding))
        return result
    }

    package func depthwiseWeightGradient(_ gradient: Tensor, input: Tensor, window: Window) -> Tensor {
        let weight = [input.shape[1], 1, window.size, window.size]
        let shape = DepthwiseShape(input: input.shape, weight: weight, window: window)
        precondition(gradient.shape == window.depthwiseOutput(input.shape))
        let result = allocate(weight), lines = gradient.shape[0] * gradient.shape[2]
        // Blocks enough to fill a card, and work enough for each: eight rows at least.
        let tiles = (weight[0] + 31) / 32, wanted = min((lines + 7) / 8, max(1, 1024 / tiles))
        let part = max(1, (lines + max(1, wanted) - 1) / max(1, wanted)), parts = (lines + part - 1) / part
        let taps = window.size * window.size, sums = allocate([parts, taps, weight[0]])
        if parts > 0 {
            launch(
                hl_kernel_depthwise_weight_sums, Grid(tiles, parts),
                hl_cuda_depthwise_weight_sums(
                    x: input.either, y: gradient.either, sums: sums.f32, part: UInt32(kernel: part),
                    lines: UInt32(kernel: lines), channels: shape.channels, height: shape.height, width: shape.width,
                    rows: shape.rows, columns: shape.columns, kernel: shape.kernel, stride: shape.stride,
                    padding: shape.padding))
        }
        launch(
            hl_kernel_depthwise_weight_gradient, Grid((taps * weight[0] + 31) / 32),
            hl_cuda_depthwise_weight_gradient(
                sums: sums.f32, weight: result.f32, parts: UInt32(kernel: parts), taps: UInt32(taps),
                channels: shape.channels))
        return result
    }

    /// A weight [C, 1, k, k] as [k · k, C], so that neighbours read neighbours.
    private func byTaps(_ weight: Tensor) -> Tensor {
        let (channels, taps) = (weight.shape[0], weight.elementCount / weight.shape[0])
        let result = allocate([taps, channels])
        precondition(weight.type == .f32)
        permute(weight, to: result, inner: taps, outer: channels)
        return result
    }
}

/// A depthwise convolution, as kernels count.
private struct DepthwiseShape {
    let channels, height, width, rows, columns, kernel, stride, padding: UInt32

    init(input: [Int], weight: [Int], window: Window) {
        precondition(
            input.count == 4 && weight == [input[1], 1, window.size, window.size],
            "input \(input), weight \(weight) and window \(window.size) do not fit")
        (channels, height, width) = (UInt32(kernel: input[1]), UInt32(kernel: input[2]), UInt32(kernel: input[3]))
        (rows, columns) = (UInt32(kernel: window.output(input[2])), UInt32(kernel: window.output(input[3])))
        (kernel, stride, padding) = (UInt32(window.size), UInt32(window.stride), UInt32(window.padding))
    }

    /// A thread for four neighbouring values where channels are a multiple of four.
    func grid(over result: Tensor) -> Grid { .over(channels % 4 == 0 ? result.elementCount / 4 : result.elementCount) }
}
