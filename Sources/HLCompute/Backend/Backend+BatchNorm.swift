import HLTensor

/// Batch normalisation and average pooling, composed of primitives: sums over positions are those that the way back
/// through a modulation brings.
extension Backend {
    /// Σ over batch and positions of a tensor [B, C, …], [1, C].
    private func channelSums(_ x: Tensor) -> Tensor {
        let modulation = Modulation(shift: constant(0, shape: [1, x.shape[1]]))
        return row(columnSums(modulateBackward(x, input: x, modulation).shift))
    }

    /// Σ over batch and positions of a · b, [1, C].
    private func channelProducts(_ a: Tensor, _ b: Tensor) -> Tensor {
        let modulation = Modulation(scale: constant(1, shape: [1, b.shape[1]]))
        return row(columnSums(modulateBackward(a, input: b, modulation).scale))
    }

    /// [C] as [1, C].
    private func row(_ vector: Tensor) -> Tensor { reshaped(vector, [1, vector.elementCount]) }

    /// Batch normalisation by the statistics of this process alone.
    package func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        batchNorm(
            x, weight: weight, bias: bias, running: running, epsilon: epsilon, groups: groups, residual: residual,
            relu: relu, over: nil)
    }

    /// The mean over the ranks of what each has, [1, C].
    private func mean(_ own: Tensor, over ranks: (any Ranks)?) -> Tensor {
        guard let ranks else { return own }
        return scale(row(columnSums(ranks.gatherRows(own))), by: 1 / Float(ranks.count))
    }

    package func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let size = x.shape[0] / groups
        var outputs: [Tensor] = [], means: [Tensor] = [], inverses: [Tensor] = []
        for group in 0..<groups {
            let part = rows(x, group * size..<(group + 1) * size)
            let count = Float(part.elementCount / part.shape[1])
            let mean = self.mean(scale(channelSums(part), by: 1 / count), over: ranks)
            let centred = modulate(part, Modulation(shift: scale(mean, by: -1)))
            let variance = self.mean(scale(channelProducts(centred, centred), by: 1 / count), over: ranks)
            let inverse = inverseRoot(variance, epsilon: epsilon)
            outputs.append(
                modulate(
                    centred,
                    Modulation(
                        scale: weight.map { multiply(inverse, row($0)) } ?? inverse, shift: bias.map { row($0) })))
            means.append(mean)
            inverses.append(inverse)
            if let running {
                let all = count * Float(ranks?.count ?? 1)
                let decay = 1 - running.momentum, unbias = all > 1 ? all / (all - 1) : 1
                average(reshaped(mean, running.mean.shape), into: running.mean, decay: decay)
                average(
                    reshaped(scale(variance, by: unbias), running.variance.shape), into: running.variance, decay: decay)
            }
        }
        let statistics = BatchStatistics(
            mean: concatenate(means), inverseDeviation: concatenate(inverses), groups: groups, ofBatch: true,
            ranks: ranks)
        return (finished(concatenate(outputs), residual, relu), statistics)
    }

    package func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics) {
        let mean = row(running.mean), inverse = inverseRoot(row(running.variance), epsilon: epsilon)
        let factor = weight.map { multiply(inverse, row($0)) } ?? inverse
        let offset = scale(multiply(mean, factor), by: -1)
        let output = modulate(x, Modulation(scale: factor, shift: bias.map { add(offset, row($0)) } ?? offset))
        let statistics = BatchStatistics(mean: mean, inverseDeviation: inverse, groups: 1, ofBatch: false)
        return (finished(output, residual, relu), statistics)
    }

    private func finished(_ x: Tensor, _ residual: Tensor?, _ hasReLU: Bool) -> Tensor {
        let sum = residual.map { add(x, $0) } ?? x
        return hasReLU ? relu(sum) : sum
    }

    /// With ĝ = the gradient behind ReLU and x̂ the normalised input, per channel and group of N values:
    /// dβ = Σ ĝ, dγ = Σ ĝ x̂, dx = γ/σ · (ĝ − dβ/N − x̂ dγ/N); by fixed statistics just dx = γ/σ · ĝ.
    package func batchNormBackward(
        _ gradient: Tensor, adding addend: Tensor?, input: Tensor, relu: ReLUMask?, weight: Tensor?,
        statistics: BatchStatistics, wantsResidual: Bool
    ) -> BatchNormGradients {
        let sum = addend.map { add(gradient, $0) } ?? gradient
        let gradient = relu.map { reluBackward(sum, output: $0.output) } ?? sum
        let size = input.shape[0] / statistics.groups
        var inputs: [Tensor] = [], weights: [Tensor] = [], biases: [Tensor] = []
        for group in 0..<statistics.groups {
            let range = group * size..<(group + 1) * size, part = rows(gradient, range)
            let mean = rows(statistics.mean, group..<group + 1)
            let inverse = rows(statistics.inverseDeviation, group..<group + 1)
            let centred = modulate(rows(input, range), Modulation(shift: scale(mean, by: -1)))
            let unit = modulate(centred, Modulation(scale: inverse))
            let bias = channelSums(part), slope = channelProducts(part, unit)
            var inner = part
            if statistics.ofBatch {
                let share = -1 / Float(part.elementCount / part.shape[1])
                let (bias, slope) = (self.mean(bias, over: statistics.ranks), self.mean(slope, over: statistics.ranks))
                inner = add(
                    modulate(part, Modulation(shift: scale(bias, by: share))),
                    modulate(unit, Modulation(scale: scale(slope, by: share))))
            }
            inputs.append(
                modulate(inner, Modulation(scale: weight.map { multiply(inverse, row($0)) } ?? inverse)))
            weights.append(slope)
            biases.append(bias)
        }
        return BatchNormGradients(
            input: concatenate(inputs), weight: columnSums(concatenate(weights)),
            bias: columnSums(concatenate(biases)), residual: wantsResidual ? copy(gradient) : nil)
    }

    /// By the statistics of this process alone.
    package func batchNormMaxPool(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        window: Window
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics) {
        batchNormMaxPool(
            x, weight: weight, bias: bias, running: running, epsilon: epsilon, groups: groups, window: window, over: nil
        )
    }

    package func batchNormMaxPool(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        window: Window, over ranks: (any Ranks)?
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics) {
        let (y, statistics) = batchNorm(
            x, weight: weight, bias: bias, running: running, epsilon: epsilon, groups: groups, residual: nil,
            relu: true,
            over: ranks)
        let (output, chosen) = maxPool(y, window: window)
        return (output, chosen, statistics)
    }

    /// A maximum above 0 came from a place above 0: ReLU's mask can be laid over the smaller gradient.
    package func batchNormMaxPoolBackward(
        _ gradient: Tensor, output: Tensor, chosen: Tensor, input: Tensor, weight: Tensor?,
        statistics: BatchStatistics, window: Window
    ) -> BatchNormGradients {
        batchNormBackward(
            maxPoolBackward(
                reluBackward(gradient, output: output), chosen: chosen, inputShape: input.shape, window: window),
            adding: nil, input: input, relu: nil, weight: weight, statistics: statistics, wantsResidual: false)
    }

    package func averagePool(_ x: Tensor) -> Tensor {
        let modulation = Modulation(shift: constant(0, shape: [1, x.shape[1]]))
        let positions = x.shape.dropFirst(2).reduce(1, *)
        return scale(modulateBackward(x, input: x, modulation).shift, by: 1 / Float(positions))
    }

    package func averagePoolBackward(_ gradient: Tensor, inputShape: [Int], type: ElementType) -> Tensor {
        let positions = inputShape.dropFirst(2).reduce(1, *)
        return converted(
            modulate(constant(0, shape: inputShape), Modulation(shift: scale(gradient, by: 1 / Float(positions)))),
            to: type)
    }
}
