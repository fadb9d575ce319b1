import Glibc
import HLCompute
import HLTensor

/// Two steps over two parameters, the second with a decay and a rate of its own.
///
/// Inputs: both weights, both gradients. Results: both weights, then what is remembered of each.
let optimisers: [OperationCase] =
    [false, true].flatMap { isZero -> [OperationCase] in
        // The first has values for all threads of a block.
        let shapes = [[64, 50], [2, 18, 3, 3]]
        let inputs: [OperationCase.Input] =
            shapes.map { isZero ? .values($0, from: 0, to: 0) : .array($0) } + shapes.map { .array($0) }
        let what = isZero ? ", weights of 0" : ""
        return [
            OperationCase(
                name: "sgd\(what)", covers: ["sgd"], inputs: inputs,
                operation: { backend, inputs in
                    steps(backend, inputs) { backend.sgd($0, rate: 0.5, momentum: 0.75) }
                },
                reference: { inputs in
                    stepped(inputs) { weight, gradient, velocity, decay, _ in
                        for i in weight.data.indices {
                            velocity.data[i] = 0.75 * velocity.data[i] + gradient.data[i] + decay * weight.data[i]
                            weight.data[i] -= 0.5 * velocity.data[i]
                        }
                    }
                }),
            OperationCase(
                name: "lars\(what)", covers: ["lars"], inputs: inputs,
                operation: { backend, inputs in
                    steps(backend, inputs) { backend.lars($0, rate: 2, momentum: 0.75, trust: 0.25) }
                },
                reference: { inputs in
                    stepped(inputs) { weight, gradient, velocity, decay, isAdapted in
                        let update = gradient.combined(weight) { $0 + decay * $1 }
                        let (own, length) = (weight.dot(weight).squareRoot(), update.dot(update).squareRoot())
                        let factor = isAdapted && own > 0 && length > 0 ? 0.25 * own / length : 1
                        for i in weight.data.indices {
                            velocity.data[i] = 0.75 * velocity.data[i] + factor * update.data[i]
                            weight.data[i] -= 2 * velocity.data[i]
                        }
                    }
                }),
            OperationCase(
                name: "adam\(what)", covers: ["adam"], inputs: inputs,
                operation: { backend, inputs in
                    let weights = inputs[0..<2].map { backend.copy($0) }
                    let moments = (0..<4).map { backend.constant(0, shape: weights[$0 % 2].shape) }
                    for step in 1...2 {
                        let updates = (0..<2).map {
                            AdamUpdate(
                                weight: weights[$0], gradient: inputs[2 + $0], first: moments[$0],
                                second: moments[2 + $0], decay: Float(decays[$0]))
                        }
                        backend.adam(updates, step: step, rate: 0.125, beta1: 0.5, beta2: 0.75, epsilon: 0.0625)
                    }
                    return weights + moments
                },
                reference: { inputs in
                    var results = Array(inputs[0..<2]) + (0..<4).map { Values(zeros: inputs[$0 % 2].shape) }
                    for step in 1...2 {
                        for p in 0..<2 {
                            for (i, g) in inputs[2 + p].data.enumerated() {
                                results[2 + p].data[i] = 0.5 * results[2 + p].data[i] + 0.5 * g
                                results[4 + p].data[i] = 0.75 * results[4 + p].data[i] + 0.25 * g * g
                                let first = results[2 + p].data[i] / (1 - pow(0.5, Double(step)))
                                let second = results[4 + p].data[i] / (1 - pow(0.75, Double(step)))
                                results[p].data[i] *= 1 - 0.125 * decays[p]
                                results[p].data[i] -= 0.125 * first / (second.squareRoot() + 0.0625)
                            }
                        }
                    }
                    return results
                }),
        ]
    }

private let decays = [0.0, 0.125], adapted = [true, false]

private func steps(_ backend: any Backend, _ inputs: [Tensor], _ step: ([SGDUpdate]) -> Void) -> [Tensor] {
    let weights = inputs[0..<2].map { backend.copy($0) }
    let velocities = weights.map { backend.constant(0, shape: $0.shape) }
    for _ in 0..<2 {
        step(
            (0..<2).map {
                SGDUpdate(
                    weight: weights[$0], gradient: inputs[2 + $0], velocity: velocities[$0], decay: Float(decays[$0]),
                    isAdapted: adapted[$0])
            })
    }
    return weights + velocities
}

private func stepped(
    _ inputs: [Values],
    _ step: (_ weight: inout Values, _ gradient: Values, _ velocity: inout Values, _ decay: Double, _ isAdapted: Bool)
        ->
        Void
) -> [Values] {
    var weights = Array(inputs[0..<2]), velocities = weights.map { Values(zeros: $0.shape) }
    for _ in 0..<2 { for p in 0..<2 { step(&weights[p], inputs[2 + p], &velocities[p], decays[p], adapted[p]) } }
    return weights + velocities
}
