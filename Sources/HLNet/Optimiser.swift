import HLCompute
import HLTensor

/// Updates parameters from their gradients, and carries state that must survive a restart.
package protocol Optimiser: AnyObject {
    /// One step at `rate` for every parameter that has a gradient; the gradients are taken.
    func step(rate: Float)
    /// State tensors by name, in a fixed order.
    var state: [(name: String, tensor: Tensor)] { get }
    /// Steps taken so far.
    var stepsTaken: Int { get set }
}

/// Stochastic gradient descent with momentum and L2 decay on every parameter (torch.optim.SGD).
package final class SGD: Optimiser {
    private let backend: any Backend
    private let parameters: [(name: String, parameter: Parameter, velocity: Tensor)]
    private let momentum: Float
    private let decay: Float
    package var stepsTaken = 0

    /// State starts at 0.
    package init(
        _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], momentum: Float, decay: Float
    ) {
        self.backend = backend
        self.parameters = parameters.map { ($0.name, $0.parameter, backend.constant(0, shape: $0.parameter.shape)) }
        self.momentum = momentum
        self.decay = decay
    }

    package func step(rate: Float) {
        // torch starts with v = g; from v = 0 the first step gives the same.
        let updates = parameters.compactMap { _, parameter, velocity in
            parameter.takeGradient().map {
                SGDUpdate(weight: parameter.value, gradient: $0, velocity: velocity, decay: decay)
            }
        }
        backend.sgd(updates, rate: rate, momentum: momentum)
        stepsTaken += 1
    }

    package var state: [(name: String, tensor: Tensor)] { parameters.map { ("momentum.\($0.name)", $0.velocity) } }
}

/// Adam (Kingma & Ba 2015; torch.optim.Adam), and with a decay AdamW (Loshchilov & Hutter 2019; torch.optim.AdamW), which
/// takes it off every weight itself and not off its gradient.
package final class Adam: Optimiser {
    private let backend: any Backend
    private let parameters: [(name: String, parameter: Parameter, first: Tensor, second: Tensor)]
    private let beta1: Float
    private let beta2: Float
    private let epsilon: Float
    private let decay: Float
    package var stepsTaken = 0

    /// State starts at 0.
    package init(
        _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], beta1: Float = 0.9,
        beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0
    ) {
        self.backend = backend
        self.parameters = parameters.map {
            let shape = $0.parameter.shape
            return ($0.name, $0.parameter, backend.constant(0, shape: shape), backend.constant(0, shape: shape))
        }
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.decay = decay
    }

    package func step(rate: Float) {
        stepsTaken += 1
        let updates = parameters.compactMap { _, parameter, first, second in
            parameter.takeGradient().map {
                AdamUpdate(weight: parameter.value, gradient: $0, first: first, second: second, decay: decay)
            }
        }
        backend.adam(updates, step: stepsTaken, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon)
    }

    package var state: [(name: String, tensor: Tensor)] {
        parameters.flatMap { [("first.\($0.name)", $0.first), ("second.\($0.name)", $0.second)] }
    }
}
