import Glibc
import HLCompute
import HLTensor

/// Losses per row, whose gradient comes with them.
let losses = crossEntropies + cosines + normalityTests

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

private let normalityTests: [OperationCase] = [(1, 1, 3), (3, 8, 9), (2, 30, 33)].map { groups, rows, columns in
    OperationCase(
        name: "eppsPulley of \(groups) times \(rows) rows of \(columns)", covers: ["eppsPulley"],
        inputs: [.values([groups * rows, columns], from: -3, to: 3)],
        operation: { [$0.eppsPulley($1[0], groups: groups, limit: 2, knots: 9, weight: 1).statistics] },
        reference: { inputs in
            let statistics = (0..<groups * columns).map { place -> Double in
                let column = place % columns, first = place / columns * rows
                return statistic((first..<first + rows).map { inputs[0][$0, column] }, limit: 2, knots: 9)
            }
            return [Values([groups, columns], statistics)]
        },
        backward: { backend, inputs, _ in
            [backend.eppsPulley(inputs[0], groups: groups, limit: 2, knots: 9, weight: 0.75).gradient]
        }, factor: 0.75)
}

/// By the trapezoidal rule over −limit … limit, knot by knot.
private func statistic(_ sample: [Double], limit: Double, knots: Int) -> Double {
    let step = limit / Double(knots - 1)
    return Double(sample.count)
        * (1 - knots...knots - 1).reduce(0.0) { sum, knot in
            let t = Double(knot) * step, window = exp(-t * t / 2)
            let real = sample.reduce(0.0) { $0 + cos(t * $1) } / Double(sample.count) - window
            let imaginary = sample.reduce(0.0) { $0 + sin(t * $1) } / Double(sample.count)
            let weight = abs(knot) == knots - 1 ? step / 2 : step
            return sum + weight * window * (real * real + imaginary * imaginary)
        }
}
