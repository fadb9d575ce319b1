import HLCompute
import HLTensor

/// Updates parameters from their gradients, and carries state that must survive a restart.
package protocol Optimiser: AnyObject {
    /// One step at `rate` for every parameter that has a gradient; the gradients are taken.
    func step(rate: Float)
    /// State tensors by name, in a fixed order, and the number of steps taken.
    var state: [(name: String, tensor: Tensor)] { get }
    var stepsTaken: Int { get set }
}

/// Stochastic gradient descent with momentum and L2 decay on every parameter (torch.optim.SGD).
package final class SGD: Optimiser {
    private let backend: any Backend
    private let parameters: [(name: String, parameter: Parameter, velocity: Tensor)]
    private let momentum: Float
    private let decay: Float
    /// Factors on the rate by parameter name; 1 where there is none.
    private let rateFactors: [String: Float]
    package var stepsTaken = 0

    package init(
        _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], momentum: Float, decay: Float,
        rateFactors: [String: Float] = [:]
    ) {
        self.backend = backend
        self.parameters = parameters.map { ($0.name, $0.parameter, backend.constant(0, shape: $0.parameter.shape)) }
        self.momentum = momentum
        self.decay = decay
        self.rateFactors = rateFactors
    }

    package func step(rate: Float) {
        for (name, parameter, velocity) in parameters {
            guard let gradient = parameter.takeGradient() else { continue }
            // torch starts with v = g; from v = 0 the first step gives the same.
            backend.sgd(
                parameter.value, gradient: gradient, velocity: velocity, rate: rate * (rateFactors[name] ?? 1),
                momentum: momentum, decay: decay)
        }
        stepsTaken += 1
    }

    package var state: [(name: String, tensor: Tensor)] { parameters.map { ("momentum.\($0.name)", $0.velocity) } }
}

/// Adam without decay (Kingma & Ba 2015; torch.optim.Adam).
package final class Adam: Optimiser {
    private let backend: any Backend
    private let parameters: [(name: String, parameter: Parameter, first: Tensor, second: Tensor)]
    private let beta1: Float
    private let beta2: Float
    private let epsilon: Float
    package var stepsTaken = 0

    package init(
        _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], beta1: Float = 0.9,
        beta2: Float = 0.999, epsilon: Float = 1e-8
    ) {
        self.backend = backend
        self.parameters = parameters.map {
            let shape = $0.parameter.shape
            return ($0.name, $0.parameter, backend.constant(0, shape: shape), backend.constant(0, shape: shape))
        }
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    package func step(rate: Float) {
        stepsTaken += 1
        for (_, parameter, first, second) in parameters {
            guard let gradient = parameter.takeGradient() else { continue }
            backend.adam(
                parameter.value, gradient: gradient, first: first, second: second, step: stepsTaken, rate: rate,
                beta1: beta1, beta2: beta2, epsilon: epsilon)
        }
    }

    package var state: [(name: String, tensor: Tensor)] {
        parameters.flatMap { [("first.\($0.name)", $0.first), ("second.\($0.name)", $0.second)] }
    }
}
