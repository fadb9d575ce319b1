import CKernels
import Glibc
import HLTensor

extension CPUBackend {
    package func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape)
        let b = laidOut(b, as: a.cpu.layout), result = like(a)
        forEachElement(a) { hl_add(a.floats + $0, b.floats + $0, result.floats + $0, $1) }
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
        let source = laidOut(source, as: target.cpu.layout)
        forEachElement(target) { hl_axpy(1, source.floats + $0, target.floats + $0, $1) }
        target.cpu.version += 1
    }

    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let result = like(x)
        forEachElement(x) { hl_scale(factor, x.floats + $0, result.floats + $0, $1) }
        return result
    }

    package func relu(_ x: Tensor) -> Tensor {
        let result = like(x)
        forEachElement(x) { hl_relu(x.floats + $0, result.floats + $0, $1) }
        return result
    }

    package func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        let gradient = laidOut(gradient, as: output.cpu.layout), result = like(output)
        forEachElement(output) {
            hl_relu_backward(output.floats + $0, gradient.floats + $0, result.floats + $0, $1)
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

    package func sgd(
        _ weight: Tensor, gradient: Tensor, velocity: Tensor, rate: Float, momentum: Float, decay: Float
    ) {
        precondition(weight.shape == gradient.shape && weight.shape == velocity.shape)
        for tensor in [weight, velocity] { adopt(gradient.cpu.layout, for: tensor) }
        forEachElement(weight) {
            hl_sgd(weight.floats + $0, gradient.floats + $0, velocity.floats + $0, rate, momentum, decay, $1)
        }
        weight.cpu.version += 1
    }

    package func lars(
        _ weight: Tensor, gradient: Tensor, velocity: Tensor, rate: Float, momentum: Float, decay: Float, trust: Float
    ) {
        precondition(weight.shape == gradient.shape && weight.shape == velocity.shape)
        for tensor in [weight, velocity] { adopt(gradient.cpu.layout, for: tensor) }
        var squares = [0.0, 0.0]
        hl_lars_squares(weight.floats, gradient.floats, decay, weight.storedCount, &squares)
        let isAdapted = squares[0] > 0 && squares[1] > 0
        let factor = isAdapted ? Float(Double(trust) * (squares[0] / squares[1]).squareRoot()) : 1
        forEachElement(weight) {
            hl_lars(
                weight.floats + $0, gradient.floats + $0, velocity.floats + $0, rate, momentum, decay, factor, $1)
        }
        weight.cpu.version += 1
    }

    package func adam(
        _ weight: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: Int, rate: Float, beta1: Float,
        beta2: Float, epsilon: Float
    ) {
        precondition(weight.shape == gradient.shape)
        for tensor in [weight, first, second] { adopt(gradient.cpu.layout, for: tensor) }
        let correction1 = 1 - pow(Double(beta1), Double(step)), correction2 = 1 - pow(Double(beta2), Double(step))
        forEachElement(weight) {
            hl_adam(
                weight.floats + $0, gradient.floats + $0, first.floats + $0, second.floats + $0,
                Float(Double(rate) / correction1), beta1, beta2, Float(1 / correction2.squareRoot()), epsilon, $1)
        }
        weight.cpu.version += 1
    }

    /// Calls `body` with the start and length of each thread's part of a tensor's memory.
    func forEachElement(_ tensor: Tensor, _ body: (_ start: Int, _ count: Int) -> Void) {
        parallel(tensor.storedCount, grain: Self.elementGrain) { body($0.lowerBound, $0.count) }
    }
}
