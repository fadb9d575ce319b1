import Glibc
import HLTensor

/// One step of an optimiser, parameter by parameter, composed of primitives.
extension Backend {
    package func sgd(_ updates: [SGDUpdate], rate: Float, momentum: Float) {
        for update in updates { step(update, decayed(update), rate: rate, momentum: momentum) }
    }

    /// The two lengths of what is adapted are read back: a wait per parameter.
    package func lars(_ updates: [SGDUpdate], rate: Float, momentum: Float, trust: Float) {
        for update in updates {
            let gradient = decayed(update)
            let factor = update.isAdapted ? larsFactor(update.weight, gradient, trust: trust) : 1
            step(update, scale(gradient, by: factor), rate: rate, momentum: momentum)
        }
    }

    private func larsFactor(_ weight: Tensor, _ gradient: Tensor, trust: Float) -> Float {
        let weightLength = length(weight), gradientLength = length(gradient)
        return weightLength > 0 && gradientLength > 0 ? Float(Double(trust) * weightLength / gradientLength) : 1
    }

    /// g + decay w.
    private func decayed(_ update: SGDUpdate) -> Tensor {
        add(update.takeGradient(), scale(update.weight, by: update.decay))
    }

    /// v = momentum v + g, w −= rate v.
    private func step(_ update: SGDUpdate, _ gradient: Tensor, rate: Float, momentum: Float) {
        let velocity = add(scale(update.velocity, by: momentum), gradient)
        assignRows(velocity, to: update.velocity, at: 0)
        accumulate(scale(velocity, by: -rate), into: update.weight)
    }

    private func length(_ x: Tensor) -> Double {
        let row = reshaped(x, [1, x.elementCount])
        do {
            let square = try read(matmul(row, row, transposeA: false, transposeB: true)).floats[0]
            return Double(square).squareRoot()
        } catch {
            fail(error as? Failure ?? Failure(.software, "a length cannot be read (\(error))", "report this defect"))
            return 0
        }
    }

    package func adam(_ updates: [AdamUpdate], step: Int, rate: Float, beta1: Float, beta2: Float, epsilon: Float) {
        let correction1 = 1 - pow(Double(beta1), Double(step)), correction2 = 1 - pow(Double(beta2), Double(step))
        for update in updates {
            let gradient = update.takeGradient()
            let first = add(scale(update.first, by: beta1), scale(gradient, by: 1 - beta1))
            let squares = multiply(gradient, gradient)
            let second = add(scale(update.second, by: beta2), scale(squares, by: 1 - beta2))
            assignRows(first, to: update.first, at: 0)
            assignRows(second, to: update.second, at: 0)
            // √v as v / √v, and the quotient as the inverse root of a square: there is no division among the primitives.
            let root = multiply(second, inverseRoot(second, epsilon: 1e-38))
            let denominator = add(
                scale(root, by: Float(1 / correction2.squareRoot())), constant(epsilon, shape: root.shape))
            let quotient = multiply(first, inverseRoot(multiply(denominator, denominator), epsilon: 0))
            if update.decay != 0 {
                assignRows(scale(update.weight, by: update.kept(rate: rate)), to: update.weight, at: 0)
            }
            accumulate(scale(quotient, by: Float(-Double(rate) / correction1)), into: update.weight)
        }
    }
}
