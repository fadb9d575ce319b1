/// act(u) = clamp(gain · (u > 0 ? u : slope · u)).
package struct Activation: Sendable, Hashable {
    package let slope: Float
    package let gain: Float
    /// Results beyond ±clamp are cut off.
    package let clamp: Float

    package init(slope: Float, gain: Float = 1, clamp: Float = .infinity) {
        self.slope = slope
        self.gain = gain
        self.clamp = clamp
    }

    package static let identity = Activation(slope: 1)
    package static let relu = Activation(slope: 0)
}

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
    package var shift: Tensor?
    package var gain: Tensor?
    /// Per position, [B, H, W] or [1, H, W] of the output; not differentiated.
    package var noise: Tensor?
    package var activation: Activation
    package var arrangement: PhaseArrangement

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
    package let input: Tensor
    package let scale: Tensor
    package let shift: Tensor
    package let gain: Tensor
}

/// Zero insertion by two followed by a filter of 4 × 4 taps, as StyleGAN2's `upsample2d` (Karras et al. 2020).
package struct UpsamplingFilter: Sendable {
    /// The sixteen taps by phase of row and column, then by earlier and later row and column.
    package let taps: [Float]

    /// - Parameter kernel: row-major 4 × 4, as the reference stores it, without the gain of 4 that makes up for the
    ///   inserted zeros.
    package init(kernel: [Float]) {
        precondition(kernel.count == 16)
        var taps: [Float] = []
        // large[n] = Σ f[k] inserted[n + 1 − k] in each direction: at an even row k = 3 and 1 meet a value, else 2 and 0.
        for p in 0..<2 {
            for q in 0..<2 {
                for a in 0..<2 {
                    for b in 0..<2 { taps.append(4 * kernel[(3 - p - 2 * a) * 4 + 3 - q - 2 * b]) }
                }
            }
        }
        self.taps = taps
    }

    /// Row-major 4 × 4 as a transposed convolution with stride 2 takes it, with the gain of 4.
    package var kernel: [Float] {
        var kernel = [Float](repeating: 0, count: 16)
        for place in 0..<16 {
            let (p, q, a, b) = (place / 8, place / 4 % 2, place / 2 % 2, place % 2)
            kernel[(3 - p - 2 * a) * 4 + 3 - q - 2 * b] = taps[place]
        }
        return kernel
    }
}

/// How a network's last values become brightness 0…1.
package enum Squash: Sendable {
    /// (tanh x + 1) / 2
    case tanh
    /// (x + 1) / 2, cut off at 0 and 1.
    case clamp
}
