import CCUDA
import HLTensor

extension CUDABackend {
    package func maxPool(_ x: Tensor, window: Window) -> (output: Tensor, chosen: Tensor) {
        let shape = window.pooled(x.shape)
        let output = allocate(shape, type: x.type), chosen = allocate(shape, type: .u8), width = x.vectorWidth
        launch(
            hl_kernel_max_pool, .over(output.elementCount / width),
            hl_cuda_max_pool(
                x: x.either, y: output.either, chosen: chosen.u8, count: UInt32(kernel: output.elementCount / width),
                wide: width > 1 ? 1 : 0, channels: UInt32(kernel: shape[1]), height: UInt32(kernel: x.shape[2]),
                width: UInt32(kernel: x.shape[3]), rows: UInt32(kernel: shape[2]), columns: UInt32(kernel: shape[3]),
                window: UInt32(kernel: window.size), stride: UInt32(kernel: window.stride),
                padding: UInt32(kernel: window.padding)))
        return (output, chosen)
    }

    package func maxPoolBackward(_ gradient: Tensor, chosen: Tensor, inputShape: [Int], window: Window) -> Tensor {
        let shape = window.pooled(inputShape)
        precondition(gradient.shape == shape && chosen.shape == shape)
        let result = allocate(inputShape, type: gradient.type), width = result.vectorWidth
        launch(
            hl_kernel_max_pool_back, .over(result.elementCount / width),
            hl_cuda_max_pool_back(
                gradient: gradient.either, result: result.either, chosen: chosen.u8,
                count: UInt32(kernel: result.elementCount / width), wide: width > 1 ? 1 : 0,
                channels: UInt32(kernel: shape[1]), height: UInt32(kernel: inputShape[2]),
                width: UInt32(kernel: inputShape[3]), rows: UInt32(kernel: shape[2]), columns: UInt32(kernel: shape[3]),
                window: UInt32(kernel: window.size), stride: UInt32(kernel: window.stride),
                padding: UInt32(kernel: window.padding)))
        return result
    }
}

extension Window {
    /// The shape of the maxima of [B, C, H, W], whose windows all have a place within.
    func pooled(_ shape: [Int]) -> [Int] {
        // Places in a window are bytes, and 255 is none of them.
        precondition(shape.count == 4 && trailing == 0 && padding < size && size <= 15)
        return [shape[0], shape[1], output(shape[2]), output(shape[3])]
    }
}
