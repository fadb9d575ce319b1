import HLCompute
import HLTensor

/// Batch norm by the batch's and by fixed statistics, with all that it does in one pass, and rows of unit length.
let normalisations = batchNorms + pooledNorms + unitRows

private let batchNorms: [OperationCase] =
    [
        ([4, 6, 5, 3], 1), ([4, 18, 2, 3], 2), ([4, 16, 2, 3], 2), ([3, 40, 2, 2], 3), ([6, 33], 2), ([12, 5], 3),
        ([3, 1, 4, 4], 1),
        ([1, 4, 2, 2], 1),
    ].flatMap { shape, groups in
        [(true, true, true), (true, false, true), (false, true, false), (false, false, false)].flatMap {
            isAffine, hasResidual, relu in
            [true, false].map { batchNorm(shape, groups: $0 ? groups : 1, isAffine, hasResidual, relu, ofBatch: $0) }
        }
    }

private let unitRows: [OperationCase] =
    [[7, 40], [1, 3], [5, 2]].map { shape in
        OperationCase(
            name: "normaliseRows \(shape)", covers: ["normaliseRows", "normaliseRowsBackward"], inputs: [.array(shape)],
            operation: { backend, inputs in
                let (output, norms) = backend.normaliseRows(inputs[0])
                return [output, norms]
            },
            reference: { inputs in
                let squares = (0..<shape[0]).map { inputs[0].rows([$0]) }.map { $0.dot($0) }
                let norms = squares.map { $0.squareRoot() }
                var unit = inputs[0]
                for i in unit.data.indices { unit.data[i] /= norms[i / shape[1]] }
                return [unit, Values([shape[0]], norms)]
            },
            backward: { backend, inputs, gradient in
                let (output, norms) = backend.normaliseRows(inputs[0])
                return [backend.normaliseRowsBackward(gradient, output: output, norms: norms)]
            })
    }
    + [
        OperationCase(
            name: "normaliseRows of zeros", covers: ["normaliseRows"], inputs: [.values([2, 3], from: 0, to: 0)],
            precision: .exact, operation: { [$0.normaliseRows($1[0]).output] }, reference: { $0 })
    ]

private let epsilon: Float = 1e-3
private let momentum: Float = 0.25

/// Inputs: x, running mean, running variance, then weight and bias, then the residual, as far as they are there.
private func batchNorm(
    _ shape: [Int], groups: Int, _ isAffine: Bool, _ hasResidual: Bool, _ relu: Bool, ofBatch: Bool
) -> OperationCase {
    typealias Parts = (x: Tensor, running: RunningStatistics, weight: Tensor?, bias: Tensor?, residual: Tensor?)
    @Sendable func parts(_ backend: any Backend, _ inputs: [Tensor]) -> Parts {
        let running = RunningStatistics(
            mean: backend.copy(inputs[1]), variance: backend.copy(inputs[2]), momentum: momentum)
        return (
            inputs[0], running, isAffine ? inputs[3] : nil, isAffine ? inputs[4] : nil, hasResidual ? inputs.last : nil
        )
    }
    @Sendable func apply(_ backend: any Backend, _ parts: Parts) -> (output: Tensor, statistics: BatchStatistics) {
        ofBatch
            ? backend.batchNorm(
                parts.x, weight: parts.weight, bias: parts.bias, running: parts.running, epsilon: epsilon,
                groups: groups,
                residual: parts.residual, relu: relu)
            : backend.batchNormInference(
                parts.x, weight: parts.weight, bias: parts.bias, running: parts.running, epsilon: epsilon,
                residual: parts.residual, relu: relu)
    }
    let channels = [shape[1]], isActivation = shape.count == 4
    let name =
        [
            "\(shape)", ofBatch ? "\(groups) groups" : "fixed", isAffine ? "affine" : "", hasResidual ? "residual" : "",
            relu ? "ReLU" : "",
        ]
    return OperationCase(
        name: "batchNorm " + name.filter { !$0.isEmpty }.joined(separator: ", "),
        covers: [ofBatch ? "batchNorm" : "batchNormInference", "batchNormBackward"],
        inputs: [
            .values(shape, from: -1, to: 2, isActivation: isActivation), .array(channels),
            .values(channels, from: 0.5, to: 1.5),
        ]
            + (isAffine ? [.values(channels, from: 0.5, to: 1.5), .array(channels)] : [])
            + (hasResidual ? [.values(shape, isActivation: isActivation)] : []),
        operation: { backend, inputs in
            let parts = parts(backend, inputs)
            return [apply(backend, parts).output, parts.running.mean, parts.running.variance]
        },
        reference: { normalised($0, groups: groups, isAffine, hasResidual, relu, ofBatch) },
        backward: { backend, inputs, gradient in
            let parts = parts(backend, inputs)
            let (output, statistics) = apply(backend, parts)
            let mask: ReLUMask? = !relu ? nil : hasResidual ? .output(output) : .norm(output, bias: parts.bias)
            let made = backend.batchNormBackward(
                backend.copy(gradient), adding: nil, input: parts.x, relu: mask, weight: parts.weight,
                statistics: statistics,
                wantsResidual: hasResidual)
            return [made.input, nil, nil] + (isAffine ? [made.weight, made.bias] : [])
                + (hasResidual ? [made.residual] : [])
        })
}

private let pooledNorms: [OperationCase] =
    [([4, 6, 5, 3], 2), ([4, 18, 6, 7], 2), ([2, 16, 8, 8], 1), ([6, 40, 5, 5], 3)].flatMap { shape, groups in
        [Window(size: 3, stride: 2, padding: 1), Window(size: 2, stride: 1)].map {
            batchNormMaxPool(shape, groups: groups, $0)
        }
    }

/// Inputs: x, running mean, running variance, weight, bias.
private func batchNormMaxPool(_ shape: [Int], groups: Int, _ window: Window) -> OperationCase {
    let channels = [shape[1]]
    @Sendable func apply(
        _ backend: any Backend, _ inputs: [Tensor]
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics, running: RunningStatistics) {
        let running = RunningStatistics(
            mean: backend.copy(inputs[1]), variance: backend.copy(inputs[2]), momentum: momentum)
        let (output, chosen, statistics) = backend.batchNormMaxPool(
            inputs[0], weight: inputs[3], bias: inputs[4], running: running, epsilon: epsilon, groups: groups,
            window: window)
        return (output, chosen, statistics, running)
    }
    return OperationCase(
        name: "batchNormMaxPool \(shape), \(groups) groups, \(window.size) × \(window.size)",
        covers: ["batchNormMaxPool", "batchNormMaxPoolBackward"],
        inputs: [
            .values(shape, from: -1, to: 2, isActivation: true), .array(channels),
            .values(channels, from: 0.5, to: 1.5), .values(channels, from: -1.5, to: 1.5), .array(channels),
        ],
        operation: { backend, inputs in
            let made = apply(backend, inputs)
            return [made.output, made.running.mean, made.running.variance]
        },
        reference: {
            let norm = normalised($0, groups: groups, true, false, true, true)
            return [pooled(norm[0], window)] + norm.dropFirst()
        },
        backward: { backend, inputs, gradient in
            let made = apply(backend, inputs)
            let back = backend.batchNormMaxPoolBackward(
                gradient, output: made.output, chosen: made.chosen, input: inputs[0], weight: inputs[3],
                statistics: made.statistics, window: window)
            return [back.input, nil, nil, back.weight, back.bias]
        })
}

/// The output, and the running statistics afterwards.
private func normalised(
    _ inputs: [Values], groups: Int, _ isAffine: Bool, _ hasResidual: Bool, _ relu: Bool, _ ofBatch: Bool
) -> [Values] {
    let x = inputs[0], size = x.shape[0] / groups, count = Double(size * x.positions)
    var (y, mean, variance) = (x, inputs[1], inputs[2])
    for group in 0..<groups {
        let samples = group * size..<(group + 1) * size
        for c in 0..<x.shape[1] {
            let values = samples.flatMap { b in (0..<x.positions).map { x[plane: b, c, $0] } }
            let ownMean = values.reduce(0, +) / count
            let ownVariance = values.reduce(0) { $0 + ($1 - ownMean) * ($1 - ownMean) } / count
            let (centre, spread) = ofBatch ? (ownMean, ownVariance) : (inputs[1].data[c], inputs[2].data[c])
            for b in samples {
                for i in 0..<x.positions {
                    var value = (x[plane: b, c, i] - centre) / (spread + Double(epsilon)).squareRoot()
                    if isAffine { value = value * inputs[3].data[c] + inputs[4].data[c] }
                    if hasResidual { value += inputs[inputs.count - 1][plane: b, c, i] }
                    y[plane: b, c, i] = relu ? max(value, 0) : value
                }
            }
            guard ofBatch else { continue }
            let share = Double(momentum)
            mean.data[c] = (1 - share) * mean.data[c] + share * ownMean
            variance.data[c] =
                (1 - share) * variance.data[c] + share * ownVariance * (count > 1 ? count / (count - 1) : 1)
        }
    }
    return [y, mean, variance]
}
