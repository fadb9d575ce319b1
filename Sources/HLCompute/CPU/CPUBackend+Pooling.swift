import CKernels
import HLTensor

extension CPUBackend {
    package func maxPool(_ x: Tensor, window: Window) -> (output: Tensor, chosen: Tensor) {
        precondition(window.trailing == 0)
        let shape = [x.shape[0], x.shape[1], window.output(x.shape[2]), window.output(x.shape[3])]
        let output = allocate(shape, x.cpu.layout, type: x.type), planes = x.planes
        let chosen = Tensor(.u8, shape: shape, storage: storage(bytes: output.storedCount, x.cpu.layout))
        parallel(planes.samples * planes.blocks) {
            hl_max_pool(
                x.values(), output.values(), chosen.cpu.bytes, $0.lowerBound, $0.upperBound, x.shape[2], x.shape[3],
                planes.block, window.size, window.stride, window.padding, planes.narrow)
        }
        return (output, chosen)
    }

    package func maxPoolBackward(_ gradient: Tensor, chosen: Tensor, inputShape: [Int], window: Window) -> Tensor {
        let gradient = laidOut(gradient, as: chosen.cpu.layout)
        let result = allocate(inputShape, chosen.cpu.layout, type: gradient.type), planes = result.planes
        parallel(planes.samples * planes.blocks) {
            hl_max_pool_backward(
                gradient.values(), chosen.cpu.bytes, result.values(), $0.lowerBound, $0.upperBound, inputShape[2],
                inputShape[3], planes.block, window.size, window.stride, window.padding, planes.narrow)
        }
        return result
    }

    package func averagePool(_ x: Tensor) -> Tensor {
        let result = allocate([x.shape[0], x.shape[1]])
        parallel(x.shape[0]) {
            hl_average_pool(x.planes, x.shape[1], $0.lowerBound, $0.upperBound, x.values(), result.floats)
        }
        return result
    }

    package func averagePoolBackward(_ gradient: Tensor, inputShape: [Int], type: ElementType) -> Tensor {
        let result = allocate(inputShape, activationLayout(inputShape[1], type), type: type)
        parallel(inputShape[0]) {
            hl_average_pool_backward(
                result.planes, inputShape[1], $0.lowerBound, $0.upperBound, gradient.floats, result.values())
        }
        return result
    }
}
