import CCUDA
import HLTensor

extension CUDABackend {
    package func widened(_ weight: Tensor, _ widening: KernelWidening) -> Tensor {
        let result = allocate(widening.shape(of: weight.shape)), (outputs, inputs) = (weight.shape[0], weight.shape[1])
        launch(
            hl_kernel_widen, grid(outputs, inputs, taps: 16),
            hl_cuda_widen(
                weight: weight.f32, wide: result.f32, outputs: UInt32(kernel: outputs), inputs: UInt32(kernel: inputs),
                upsampling: widening == .upsampling ? 1 : 0, scale: widening.scale))
        return result
    }

    package func widenedBackward(_ gradient: Tensor, weightShape: [Int], _ widening: KernelWidening) -> Tensor {
        precondition(gradient.shape == widening.shape(of: weightShape))
        let result = allocate(weightShape), (outputs, inputs) = (weightShape[0], weightShape[1])
        launch(
            hl_kernel_widen_backward, grid(outputs, inputs, taps: 9),
            hl_cuda_widen_backward(
                wide: gradient.f32, weight: result.f32, outputs: UInt32(kernel: outputs),
                inputs: UInt32(kernel: inputs), upsampling: widening == .upsampling ? 1 : 0, scale: widening.scale))
        return result
    }

    /// Blocks for tiles of 32 × 32 channels, for each of the taps that are written.
    private func grid(_ outputs: Int, _ inputs: Int, taps: Int) -> Grid {
        Grid((outputs + 31) / 32 * ((inputs + 31) / 32), taps)
    }
}
