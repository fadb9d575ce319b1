import CKernels
import Glibc
import HLTensor

extension CPUBackend {
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape)
        let b = matched(b, to: a), result = like(a)
        forEachElement(a) {
            if a.type == .bf16 {
                hl_add_narrow(a.narrow + $0, b.narrow + $0, result.narrow + $0, $1)
            } else {
                hl_add(a.floats + $0, b.floats + $0, result.floats + $0, $1)
            }
        }
        return result
    }

    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape)
        let b = laidOut(b, as: a.cpu.layout), result = like(a)
        forEachElement(a) { hl_multiply(a.floats + $0, b.floats + $0, result.floats + $0, $1) }
        return result
    }

    package func inverseRoot(_ x: Tensor, epsilon: Float) -> Tensor {
        let result = like(x)
        forEachElement(x) { hl_inverse_root(x.floats + $0, epsilon, result.floats + $0, $1) }
        return result
    }

    package func accumulate(_ source: Tensor, into target: Tensor) {
        precondition(source.shape == target.shape)
        let source = matched(source, to: target)
        forEachElement(target) {
            if target.type == .bf16 {
                hl_add_narrow(target.narrow + $0, source.narrow + $0, target.narrow + $0, $1)
            } else {
                hl_axpy(1, source.floats + $0, target.floats + $0, $1)
            }
        }
        target.cpu.version += 1
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let result = like(x)
        forEachElement(x) {
            if x.type == .bf16 {
                hl_scale_narrow(factor, x.narrow + $0, result.narrow + $0, $1)
            } else {
                hl_scale(factor, x.floats + $0, result.floats + $0, $1)
            }
        }
        return result
    }

    package func relu(_ x: Tensor) -> Tensor {
        let result = like(x)
        forEachElement(x) {
            if x.type == .bf16 {
                hl_relu_narrow(x.narrow + $0, result.narrow + $0, $1)
            } else {
                hl_relu(x.floats + $0, result.floats + $0, $1)
            }
        }
        return result
    }

    package func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        precondition(gradient.shape == output.shape)
        let gradient = matched(gradient, to: output), result = like(output)
        forEachElement(output) {
            if output.type == .bf16 {
                hl_relu_backward_narrow(output.narrow + $0, gradient.narrow + $0, result.narrow + $0, $1)
            } else {
                hl_relu_backward(output.floats + $0, gradient.floats + $0, result.floats + $0, $1)
            }
        }
        return result
    }

    package func average(_ source: Tensor, into target: Tensor, decay: Float) {
        precondition(source.shape == target.shape)
        // A weight's average lies as the weight does, or every step would reorder the one for the other.
        adopt(source.cpu.layout, for: target)
        forEachElement(target) { hl_average(target.floats + $0, source.floats + $0, decay, $1) }
        target.cpu.version += 1
    }

    /// Calls `body` with the start and length of parts of a tensor's memory.
    func forEachElement(_ tensor: Tensor, _ body: (_ start: Int, _ count: Int) -> Void) {
        parallel(tensor.storedCount, grain: Self.elementGrain) { body($0.lowerBound, $0.count) }
    }
}
