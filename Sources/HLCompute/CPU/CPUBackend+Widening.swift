import CKernels
import HLTensor

extension CPUBackend {
    package func widened(_ weight: Tensor, _ widening: KernelWidening) -> Tensor {
        let weight = plain(weight), result = allocate(widening.shape(of: weight.shape))
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        parallel(outputs, grain: max(1, Self.elementGrain / (16 * inputs))) {
            hl_widen(
                weight.floats, result.floats, $0.lowerBound, $0.upperBound, outputs, inputs,
                widening == .upsampling ? 1 : 0, widening.scale)
        }
        return result
    }

    package func widenedBackward(_ gradient: Tensor, weightShape: [Int], _ widening: KernelWidening) -> Tensor {
        precondition(gradient.shape == widening.shape(of: weightShape))
        let gradient = plain(gradient), result = allocate(weightShape),
            (outputs, inputs) = (weightShape[0], weightShape[1])
        parallel(outputs, grain: max(1, Self.elementGrain / (16 * inputs))) {
            hl_widen_backward(
                gradient.floats, result.floats, $0.lowerBound, $0.upperBound, outputs, inputs,
                widening == .upsampling ? 1 : 0, widening.scale)
        }
        return result
    }
}
