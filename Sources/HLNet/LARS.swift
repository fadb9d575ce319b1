import HLCompute

/// Layer-wise adaptive rate scaling (You, Gitman & Ginsburg 2017, https://arxiv.org/abs/1708.03888) as BYOL's code has it
/// (https://github.com/google-deepmind/deepmind-research/blob/master/byol/utils/optimizers.py).
///
/// A weight's gradient with its decay is scaled to `trust` times the weight's own length, gathered with momentum, and
/// only then multiplied by the rate. Biases and the parts of batch norms, which are the parameters of one dimension, take
/// plain steps with momentum, without decay.
package final class LARS: Optimiser {
    private let backend: any Backend
    private let parameters: [(name: String, parameter: Parameter, velocity: Tensor)]
    private let momentum: Float
    private let decay: Float
    private let trust: Float
    package var stepsTaken = 0

    /// - Parameter trust: η, the LARS coefficient.
    package init(
        _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], momentum: Float, decay: Float,
        trust: Float = 1e-3
    ) {
        self.backend = backend
        self.parameters = parameters.map { ($0.name, $0.parameter, backend.constant(0, shape: $0.parameter.shape)) }
        self.momentum = momentum
        self.decay = decay
        self.trust = trust
    }

    package func step(rate: Float) {
        let updates = parameters.compactMap { _, parameter, velocity in
            let isWeight = parameter.shape.count > 1
            return parameter.takeGradient().map {
                SGDUpdate(
                    weight: parameter.value, gradient: $0, velocity: velocity, decay: isWeight ? decay : 0,
                    isAdapted: isWeight)
            }
        }
        backend.lars(updates, rate: rate, momentum: momentum, trust: trust)
        stepsTaken += 1
    }

    package var state: [(name: String, tensor: Tensor)] { parameters.map { ("momentum.\($0.name)", $0.velocity) } }
}
