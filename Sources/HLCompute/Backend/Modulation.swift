/// How the positions of a modulation's input lie.
package enum PhaseArrangement: Sendable, Hashable {
    /// As those of its output.
    case same
    /// [B, 4C, H, W] for an output [B, C, 2H, 2W]: channel (2p + q)C + c holds the rows 2i + p and columns 2j + q of c.
    case phases
    /// The same in [B, 4C, H + 1, W + 1], where odd rows and columns begin at 1.
    case overlappingPhases
}

/// y = act(x · scale + shift + noise) · gain: the one pass over memory between two convolutions of a generator.
package struct Modulation {
    /// Per channel, [B, C] or [1, C].
    package var scale: Tensor?
    /// Per channel, [B, C] or [1, C]; nil is 0.
    package var shift: Tensor?
    /// Per channel, [B, C] or [1, C]; nil is 1.
    package var gain: Tensor?
    /// Per position, [B, H, W] or [1, H, W] of the output; not differentiated.
    package var noise: Tensor?
    /// What is taken of the sum.
    package var activation: Activation
    /// How the input lies.
    package var arrangement: PhaseArrangement

    /// A modulation that leaves out what is not given.
    package init(
        scale: Tensor? = nil, shift: Tensor? = nil, gain: Tensor? = nil, noise: Tensor? = nil,
        activation: Activation = .identity, arrangement: PhaseArrangement = .same
    ) {
        self.scale = scale
        self.shift = shift
        self.gain = gain
        self.noise = noise
        self.activation = activation
        self.arrangement = arrangement
    }

    /// The output's shape.
    package func output(of shape: [Int]) -> [Int] {
        switch arrangement {
        case .same: return shape
        case .phases: return [shape[0], shape[1] / 4, 2 * shape[2], 2 * shape[3]]
        case .overlappingPhases: return [shape[0], shape[1] / 4, 2 * (shape[2] - 1), 2 * (shape[3] - 1)]
        }
    }
}

/// Gradients with regard to the input and, per sample, [B, C], to scale, shift and gain.
package struct ModulationGradients {
    /// Of the input's shape.
    package let input: Tensor
    /// Σ over positions of the gradient times the input, [B, C].
    package let scale: Tensor
    /// Σ over positions of the gradient, [B, C].
    package let shift: Tensor
    /// Σ over positions of the gradient of the output times what the gain multiplies, [B, C].
    package let gain: Tensor
}
