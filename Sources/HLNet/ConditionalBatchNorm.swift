import HLCompute

/// Batch normalisation whose gain and shift are linear in a condition, with the ReLU behind it: BigGAN's `ccbn` with
/// spectrally normalised maps (Brock et al. 2019).
///
/// Code: https://github.com/lukemelas/pytorch-pretrained-gans (BigBiGAN/model/layers.py, `ccbn`).
package final class ConditionalBatchNorm: Module {
    private let gain: SpectralWeight
    private let shift: SpectralWeight
    private let standing: StandingStatistics
    private let ones: Variable
    private static let epsilon: Float = 1e-4

    /// - Parameter condition: values of the condition.
    package init(_ backend: any Backend, _ channels: Int, condition: Int) {
        gain = SpectralWeight(backend, [channels, condition])
        shift = SpectralWeight(backend, [channels, condition])
        standing = StandingStatistics(backend, channels)
        ones = Variable(backend.constant(1, shape: [channels]))
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try gain.forEachState(prefix + "gain.", body)
        try shift.forEachState(prefix + "bias.", body)
        try standing.forEachState(prefix, body)
    }

    /// y = max(0, x̂ (1 + gain(c)) + bias(c)) of x [B, C, H, W] and c [B, condition].
    /// - Parameter momentum: the share that this batch takes in the standing statistics; nil leaves them as they are.
    package func callAsFunction(_ x: Variable, _ condition: Variable, momentum: Float?, _ pass: Pass) -> Variable {
        let backend = pass.backend
        let gain = pass.linear(condition, weight: gain(pass), bias: ones)
        let shift = pass.linear(condition, weight: shift(pass))
        guard pass.isTraining else {
            let unit = backend.batchNormInference(
                x.value, weight: nil, bias: nil, running: standing.running(momentum: 0), epsilon: Self.epsilon,
                residual: nil, relu: false
            ).output
            // Nothing is trained by fixed statistics.
            return pass.modulate(Variable(unit), scale: gain, shift: shift, activation: .relu)
        }
        let (y, statistics) = backend.conditionalNorm(
            x.value, gain: gain.value, shift: shift.value, running: momentum.map(standing.running),
            epsilon: Self.epsilon, over: pass.normalisingRanks)
        return pass.tape.result(y, from: [x, gain, shift]) {
            [
                input = x.value, x = x.sink, gainValue = gain.value, gain = gain.sink, shiftValue = shift.value,
                shift = shift.sink
            ] gradient in
            let gradients = backend.conditionalNormBackward(
                gradient, input: input, gain: gainValue, shift: shiftValue, statistics: statistics)
            if x.requiresGradient { x.receive(gradients.input, backend) }
            if gain.requiresGradient { gain.receive(gradients.gain, backend) }
            if shift.requiresGradient { shift.receive(gradients.shift, backend) }
        }
    }
}

/// Statistics by which a trained generator normalises: means over many batches, gathered when the training is over.
package final class StandingStatistics: Module {
    private let mean: Tensor
    private let variance: Tensor

    /// Mean 0 and variance 1 until they are gathered.
    package init(_ backend: any Backend, _ channels: Int) {
        mean = backend.constant(0, shape: [channels])
        variance = backend.constant(1, shape: [channels])
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "stored_mean", .buffer(mean, .constant(0)))
        try body(prefix + "stored_var", .buffer(variance, .constant(1)))
    }

    /// As operations take them.
    package func running(momentum: Float) -> RunningStatistics {
        RunningStatistics(mean: mean, variance: variance, momentum: momentum)
    }
}
