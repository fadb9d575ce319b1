import HLCompute
import HLTensor

/// y = act(x · scale + shift + noise) · gain, with every part there and left out, in all arrangements.
let modulations =
    [6, 18, 32].flatMap { channels in arrangements.flatMap { cases(channels, $0.name, $0.arrangement) } } + [matrix]

private let arrangements = [
    (name: "same", arrangement: PhaseArrangement.same), ("phases", .phases), ("overlapping phases", .overlappingPhases),
]

/// With coefficients per sample, with shared ones, and with none.
private func cases(_ channels: Int, _ name: String, _ arrangement: PhaseArrangement) -> [OperationCase] {
    let shape =
        switch arrangement {
        case .same: [2, channels, 4, 4]
        case .phases: [2, 4 * channels, 2, 2]
        case .overlappingPhases: [2, 4 * channels, 3, 3]
        }
    let activations = [Activation(slope: 0.1), .relu, Activation(slope: 0.2, gain: 1.5, clamp: 0.45)]
    return activations.enumerated().map { batch, activation in
        var inputs = [OperationCase.Input.activation(shape)]
        if batch > 0 { inputs += (0..<3).map { _ in .array([batch, channels]) } + [.array([batch, 4, 4])] }
        return OperationCase(
            name: "modulate \(channels) channels, \(name), \(["nothing", "shared coefficients", "all"][batch])",
            covers: ["modulate", "modulateBackward"], inputs: inputs,
            operation: { [$0.modulate($1[0], modulation($1, activation, arrangement))] },
            reference: { [modulated($0, channels, activation, arrangement)] },
            backward: { backend, inputs, gradient in
                let made = backend.modulateBackward(
                    gradient, input: inputs[0], modulation(inputs, activation, arrangement))
                var gradients: [Tensor?] = [made.input]
                // Gradients of shared coefficients come per sample all the same; noise has none.
                for sums in batch == 0 ? [] : [made.scale, made.shift, made.gain] {
                    gradients.append(batch == 2 ? sums : backend.reshaped(backend.columnSums(sums), [1, channels]))
                }
                return batch == 0 ? gradients : gradients + [nil]
            })
    }
}

private let matrix: OperationCase = {
    let activation = Activation(slope: 0.2, gain: 1.5, clamp: 0.3)
    return OperationCase(
        name: "modulate a matrix", covers: ["modulate", "modulateBackward"],
        inputs: (0..<4).map { _ in .array([3, 18]) },
        operation: { [$0.modulate($1[0], modulation($1, activation, .same))] },
        reference: { [modulated($0, 18, activation, .same)] },
        backward: { backend, inputs, gradient in
            let made = backend.modulateBackward(gradient, input: inputs[0], modulation(inputs, activation, .same))
            return [made.input, made.scale, made.shift, made.gain]
        })
}()

/// Input, scale, shift, gain, noise, as far as they are there.
private func modulation(_ inputs: [Tensor], _ activation: Activation, _ arrangement: PhaseArrangement) -> Modulation {
    func part(_ index: Int) -> Tensor? { index < inputs.count ? inputs[index] : nil }
    return Modulation(
        scale: part(1), shift: part(2), gain: part(3), noise: part(4), activation: activation, arrangement: arrangement)
}

private func modulated(
    _ inputs: [Values], _ channels: Int, _ activation: Activation, _ arrangement: PhaseArrangement
) -> Values {
    let x = inputs[0], batch = x.shape[0]
    func coefficient(_ index: Int, _ b: Int, _ c: Int, _ otherwise: Double) -> Double {
        guard index < inputs.count else { return otherwise }
        return inputs[index][inputs[index].shape[0] == 1 ? 0 : b, c]
    }
    let shape = arrangement == .same ? x.shape : [batch, channels, 4, 4]
    var y = Values(zeros: shape)
    for b in 0..<batch {
        for c in 0..<channels {
            for i in 0..<y.positions {
                let value: Double
                switch arrangement {
                case .same: value = x[plane: b, c, i]
                case .phases, .overlappingPhases:
                    let (row, column) = (i / 4, i % 4), (p, q) = (row % 2, column % 2)
                    let begin = arrangement == .overlappingPhases ? (p, q) : (0, 0)
                    value = x[b, (2 * p + q) * channels + c, row / 2 + begin.0, column / 2 + begin.1]
                }
                var u = value * coefficient(1, b, c, 1) + coefficient(2, b, c, 0)
                if inputs.count > 4 {
                    let noise = inputs[4]
                    u += noise.data[(noise.shape[0] == 1 ? 0 : b) * y.positions + i]
                }
                let bent = Double(activation.gain) * (u > 0 ? u : Double(activation.slope) * u)
                let clamp = Double(activation.clamp)
                y[plane: b, c, i] = min(max(bent, -clamp), clamp) * coefficient(3, b, c, 1)
            }
        }
    }
    return y
}
