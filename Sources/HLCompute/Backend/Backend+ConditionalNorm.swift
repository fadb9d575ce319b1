/// Conditional batch normalisation, composed of the unconditional one and a modulation.
extension Backend {
    /// Conditional batch normalisation by the statistics of this process alone.
    package func conditionalNorm(
        _ x: Tensor, gain: Tensor, shift: Tensor, running: RunningStatistics?, epsilon: Float
    ) -> (output: Tensor, statistics: BatchStatistics) {
        conditionalNorm(x, gain: gain, shift: shift, running: running, epsilon: epsilon, over: nil)
    }

    package func conditionalNorm(
        _ x: Tensor, gain: Tensor, shift: Tensor, running: RunningStatistics?, epsilon: Float, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let (unit, statistics) = batchNorm(
            x, weight: nil, bias: nil, running: running, epsilon: epsilon, groups: 1, residual: nil, relu: false,
            over: ranks)
        return (modulate(unit, Modulation(scale: gain, shift: shift, activation: .relu)), statistics)
    }

    package func conditionalNormBackward(
        _ gradient: Tensor, input: Tensor, gain: Tensor, shift: Tensor, statistics: BatchStatistics
    ) -> ConditionalNormGradients {
        // Statistics may be wider than the channels; by these the input is normalised as before.
        let width = input.shape[1]
        let mean = columns(statistics.mean, 0..<width), inverse = columns(statistics.inverseDeviation, 0..<width)
        let centred = modulate(input, Modulation(shift: scale(mean, by: -1)))
        let unit = modulate(centred, Modulation(scale: inverse))
        let outer = modulateBackward(
            gradient, input: unit, Modulation(scale: gain, shift: shift, activation: .relu))
        let inner = batchNormBackward(
            outer.input, adding: nil, input: input, relu: nil, weight: nil, statistics: statistics, wantsResidual: false
        )
        return ConditionalNormGradients(input: inner.input, gain: outer.scale, shift: outer.shift)
    }
}
