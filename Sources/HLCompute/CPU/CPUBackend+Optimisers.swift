import CKernels
import Glibc
import HLTensor

/// One step of an optimiser for all of its parameters. Weights and state take on the layout in which gradients come, so
/// that a training step reorders none of them.
extension CPUBackend {
    package func sgd(_ updates: [SGDUpdate], rate: Float, momentum: Float) {
        for update in updates {
            let (weight, gradient, velocity) = prepared(update.weight, update.takeGradient(), [update.velocity])
            forEachElement(weight) {
                hl_sgd(
                    weight.floats + $0, gradient.floats + $0, velocity[0].floats + $0, rate, momentum,
                    update.decay, $1)
            }
        }
    }

    package func lars(_ updates: [SGDUpdate], rate: Float, momentum: Float, trust: Float) {
        for update in updates {
            let (weight, gradient, velocity) = prepared(update.weight, update.takeGradient(), [update.velocity])
            var squares = [0.0, 0.0]
            if update.isAdapted {
                hl_lars_squares(weight.floats, gradient.floats, update.decay, weight.storedCount, &squares)
            }
            let isScaled = squares[0] > 0 && squares[1] > 0
            let factor = isScaled ? Float(Double(trust) * (squares[0] / squares[1]).squareRoot()) : 1
            forEachElement(weight) {
                hl_lars(
                    weight.floats + $0, gradient.floats + $0, velocity[0].floats + $0, rate, momentum,
                    update.decay, factor, $1)
            }
        }
    }

    package func adam(_ updates: [AdamUpdate], step: Int, rate: Float, beta1: Float, beta2: Float, epsilon: Float) {
        let correction1 = 1 - pow(Double(beta1), Double(step)), correction2 = 1 - pow(Double(beta2), Double(step))
        for update in updates {
            let (weight, gradient, moments) = prepared(
                update.weight, update.takeGradient(), [update.first, update.second])
            forEachElement(weight) {
                hl_adam(
                    weight.floats + $0, gradient.floats + $0, moments[0].floats + $0, moments[1].floats + $0,
                    Float(Double(rate) / correction1), beta1, beta2, Float(1 / correction2.squareRoot()), epsilon,
                    update.kept(rate: rate), $1)
            }
        }
    }

    /// Weight and state in the gradient's layout, the weight about to change.
    private func prepared(
        _ weight: Tensor, _ gradient: Tensor, _ state: [Tensor]
    ) -> (weight: Tensor, gradient: Tensor, state: [Tensor]) {
        precondition(weight.shape == gradient.shape && state.allSatisfy { $0.shape == weight.shape })
        for tensor in [weight] + state { adopt(gradient.cpu.layout, for: tensor) }
        weight.cpu.version += 1
        return (weight, gradient, state)
    }
}
