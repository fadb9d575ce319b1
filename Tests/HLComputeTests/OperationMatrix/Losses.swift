import Foundation
import HLCompute
import HLTensor

/// Losses per row, whose gradient comes with them.
let losses = crossEntropies + cosines

private let crossEntropies: [OperationCase] =
    [
        ("", [1, 4, 0, 2] as [Int32], nil, 1 as Float),
        ("rows left out", [1, -1, 0, -1], nil, 2.5),
        ("columns left out", [1, 4, 0, 2], [0, 1, 2, 3] as [Int32]?, 8),
    ].flatMap { what, targets, excluded, scale -> [OperationCase] in
        [5, 40].map { classes in
            let inputs: [OperationCase.Input] =
                [.values([4, classes], from: -2, to: 2), .integers(targets)] + (excluded.map { [.integers($0)] } ?? [])
            return OperationCase(
                name: "crossEntropy of \(classes) classes \(what)", covers: ["crossEntropy"], inputs: inputs,
                operation: { backend, inputs in
                    let excluded = inputs.count > 2 ? inputs[2] : nil
                    return [
                        backend.crossEntropy(inputs[0], targets: inputs[1], excluded: excluded, scale: scale, weight: 1)
                            .losses
                    ]
                },
                reference: { inputs in
                    let rows = (0..<4).map { row -> Double in
                        guard targets[row] >= 0 else { return 0 }
                        let logits = (0..<classes).map { Double(scale) * inputs[0][row, $0] }
                        let all = (0..<classes).filter { $0 != excluded.map { Int($0[row]) } }
                        return log(all.reduce(0.0) { $0 + exp(logits[$1]) }) - logits[Int(targets[row])]
                    }
                    return [Values([4], rows)]
                },
                backward: { backend, inputs, _ in
                    let excluded = inputs.count > 2 ? inputs[2] : nil
                    let made = backend.crossEntropy(
                        inputs[0], targets: inputs[1], excluded: excluded, scale: scale, weight: 0.75)
                    return [made.gradient] + inputs.dropFirst().map { _ in nil }
                }, factor: 0.75)
        }
    }

private let cosines: [OperationCase] = [[6, 8], [1, 2], [3, 70]].map { shape in
    OperationCase(
        name: "negativeCosine \(shape)", covers: ["negativeCosine"], inputs: [.array(shape), .array(shape)],
        operation: { [$0.negativeCosine($1[0], $1[1], weight: 1).losses] },
        reference: { inputs in
            let rows = (0..<shape[0]).map { row -> Double in
                let p = inputs[0].rows([row]), z = inputs[1].rows([row])
                return -p.dot(z) / (p.dot(p) * z.dot(z)).squareRoot()
            }
            return [Values([shape[0]], rows)]
        },
        backward: { backend, inputs, _ in [backend.negativeCosine(inputs[0], inputs[1], weight: 0.75).gradient, nil] },
        factor: 0.75)
}
