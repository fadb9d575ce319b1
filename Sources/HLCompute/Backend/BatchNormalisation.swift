/// Running mean and variance of a batch-norm layer, [C] each, updated in place.
package struct RunningStatistics {
    /// [C]
    package let mean: Tensor
    /// [C], unbiased.
    package let variance: Tensor
    /// The share that a new batch takes.
    package let momentum: Float

    /// PyTorch's momentum by default.
    package init(mean: Tensor, variance: Tensor, momentum: Float = 0.1) {
        self.mean = mean
        self.variance = variance
        self.momentum = momentum
    }
}

/// What the way back through a batch norm needs: mean and 1/√(variance + ε) of every group. Each backend keeps them as it
/// likes, [groups, C] or wider.
package struct BatchStatistics {
    /// Mean per group and channel.
    package let mean: Tensor
    /// 1/√(variance + ε) per group and channel.
    package let inverseDeviation: Tensor
    /// Equal parts of the batch with statistics of their own.
    package let groups: Int
    /// Whether the statistics depend on the batch, so that gradients flow through them.
    package let ofBatch: Bool
    /// Whose batches they are of; nil is this process alone.
    package let ranks: (any Ranks)?

    /// Statistics of a backend's own making.
    package init(mean: Tensor, inverseDeviation: Tensor, groups: Int, ofBatch: Bool, ranks: (any Ranks)? = nil) {
        self.mean = mean
        self.inverseDeviation = inverseDeviation
        self.groups = groups
        self.ofBatch = ofBatch
        self.ranks = ranks
    }
}

/// Where the ReLU behind a batch norm let its gradient pass: where this output is above 0.
package enum ReLUMask {
    /// That of norm(x) + residual.
    case output(Tensor)
    /// That of norm(x) alone, by this bias, [C]. A backend may compute norm(x) again rather than read it.
    case norm(Tensor, bias: Tensor?)

    /// y
    package var output: Tensor {
        switch self {
        case .output(let y), .norm(let y, _): y
        }
    }
}

/// Gradients of a batch norm with regard to its input, of its shape, and to scale and shift, [C].
package struct BatchNormGradients {
    /// Of the input's shape.
    package let input: Tensor
    /// [C], summed over groups.
    package let weight: Tensor
    /// [C], summed over groups.
    package let bias: Tensor
    /// Of the residual's shape, where it was wanted.
    package let residual: Tensor?

    /// Gradients of a backend's own making.
    package init(input: Tensor, weight: Tensor, bias: Tensor, residual: Tensor?) {
        self.input = input
        self.weight = weight
        self.bias = bias
        self.residual = residual
    }
}

/// Gradients of a conditional batch norm with regard to its input, of its shape, and to gain and shift, [B, C].
package struct ConditionalNormGradients {
    /// Of the input's shape.
    package let input: Tensor
    /// [B, C]
    package let gain: Tensor
    /// [B, C]
    package let shift: Tensor

    /// Gradients of a backend's own making.
    package init(input: Tensor, gain: Tensor, shift: Tensor) {
        self.input = input
        self.gain = gain
        self.shift = shift
    }
}
