import Glibc
import HLCompute
import HLTensor

/// Value by value.
let elementwiseOperations = arithmetic + squashes

private let arithmetic: [OperationCase] =
    [[7, 40], [2, 18, 3, 4], [2, 16, 3, 4], [1, 1]].flatMap { shape -> [OperationCase] in
        let isActivation = shape.count == 4
        let x = OperationCase.Input.values(shape, isActivation: isActivation)
        let positive = OperationCase.Input.values(shape, from: 0, to: 2, isActivation: isActivation)
        return [
            OperationCase(
                name: "add \(shape)", covers: ["add"], inputs: [x, x], operation: { [$0.add($1[0], $1[1])] },
                reference: { [$0[0].combined($0[1], +)] }),
            OperationCase(
                name: "multiply \(shape)", covers: ["multiply"], inputs: [x, x],
                operation: { [$0.multiply($1[0], $1[1])] }, reference: { [$0[0].combined($0[1], *)] }),
            OperationCase(
                name: "scale \(shape)", covers: ["scale"], inputs: [x], operation: { [$0.scale($1[0], by: -1.75)] },
                reference: { [$0[0].map { -1.75 * $0 }] }),
            OperationCase(
                name: "inverseRoot \(shape)", covers: ["inverseRoot"], inputs: [positive],
                operation: { [$0.inverseRoot($1[0], epsilon: 0.25)] },
                reference: { [$0[0].map { 1 / ($0 + 0.25).squareRoot() }] }),
            OperationCase(
                name: "relu \(shape)", covers: ["relu", "reluBackward"], inputs: [x], precision: .sums,
                operation: { [$0.relu($1[0])] }, reference: { [$0[0].map { max($0, 0) }] },
                backward: { backend, inputs, gradient in
                    [backend.reluBackward(gradient, output: backend.relu(inputs[0]))]
                }),
            OperationCase(
                name: "converted \(shape)", covers: ["converted"], inputs: [x], precision: .exact,
                operation: { [$0.converted($0.converted($1[0], to: .bf16), to: .f32), $0.converted($1[0], to: .f32)] },
                reference: { [$0[0].map(nearestBF16), $0[0]] }),
            OperationCase(
                name: "accumulate \(shape)", covers: ["accumulate"], inputs: [x, x],
                operation: { backend, inputs in
                    let target = backend.copy(inputs[1])
                    backend.accumulate(inputs[0], into: target)
                    return [target, inputs[0]]
                }, reference: { [$0[0].combined($0[1], +), $0[0]] }),
            OperationCase(
                name: "average \(shape)", covers: ["average"], inputs: [x, x],
                operation: { backend, inputs in
                    let targets = [backend.copy(inputs[1]), backend.copy(inputs[1])]
                    backend.average(inputs[0], into: targets[0], decay: 0.875)
                    backend.average(inputs[0], into: targets[1], decay: 0)
                    return targets
                }, reference: { [$0[0].combined($0[1]) { 0.125 * $0 + 0.875 * $1 }, $0[0]] }),
        ]
    }

private let squashes: [OperationCase] = [3, 16, 18].flatMap { channels -> [OperationCase] in
    [("tanh", Squash.tanh), ("clamp", .clamp)].map { name, squash in
        OperationCase(
            name: "toImage by \(name) from \(channels) channels", covers: ["toImage", "toImageBackward"],
            inputs: [.values([2, channels, 4, 3], from: -1.5, to: 1.5, isActivation: true)],
            operation: { [$0.toImage($1[0], squash)] },
            reference: { inputs in
                let x = inputs[0]
                var image = Values(zeros: [2, 3, 4, 3])
                for b in 0..<2 {
                    for c in 0..<3 {
                        for i in 0..<12 {
                            let value = x[plane: b, c, i]
                            image[plane: b, c, i] = ((name == "tanh" ? tanh(value) : min(max(value, -1), 1)) + 1) / 2
                        }
                    }
                }
                return [image]
            },
            backward: { backend, inputs, gradient in
                let image = backend.toImage(inputs[0], squash)
                return [
                    backend.toImageBackward(
                        gradient, image: image, inputShape: inputs[0].shape, type: inputs[0].type, squash)
                ]
            })
    }
}

/// Of a number of common size: 8 bits of significand, ties to even.
private func nearestBF16(_ value: Double) -> Double {
    guard value != 0 else { return 0 }
    let unit = 1 / Double(sign: .plus, exponent: 7 - Int(value.exponent), significand: 1)
    return (value / unit).rounded(.toNearestOrEven) * unit
}
