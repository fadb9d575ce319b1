import Glibc
import HLCompute
import HLTensor

/// Pixels, T_x where it only cuts out and mirrors (the rest is held against torchvision), distances and normal values.
let pixelOperations = pixels + distances

private let pixels: [OperationCase] =
    [
        OperationCase(
            name: "roundPixels", covers: ["roundPixels"],
            inputs: [.values([2, 3, 5, 4], from: -0.3, to: 1.3, isActivation: true)],
            precision: .exact, operation: { [$0.roundPixels($1[0])] },
            reference: { [$0[0].map { min(max((255 * $0).rounded(.toNearestOrEven), 0), 255) }] }),
        OperationCase(
            name: "roundPixels of what is no brightness", covers: ["roundPixels"], inputs: [], precision: .exact,
            operation: { backend, _ in
                [backend.roundPixels(backend.tensor(HostTensor([.nan, -.infinity, .infinity, 0.5], shape: [4])))]
            },
            reference: { _ in [Values([4], [0, 0, 255, 128])] }),
        OperationCase(
            name: "augment bytes", covers: ["augment"], inputs: [.bytes([2, 3, 9, 8])],
            operation: { [$0.augment($1[0], crops(flip: true), size: 5, mean: mean, deviation: deviation)] },
            reference: { [cut($0[0].map { $0 / 255 }, flip: true)] }),
        OperationCase(
            name: "augment", covers: ["augment", "augmentBackward"], inputs: [.values([2, 3, 9, 8], from: 0, to: 1)],
            operation: { [$0.augment($1[0], crops(flip: false), size: 5, mean: mean, deviation: deviation)] },
            reference: { [cut($0[0], flip: false)] },
            backward: { backend, inputs, gradient in
                [
                    backend.augmentBackward(
                        gradient, crops(flip: false), imageShape: inputs[0].shape, deviation: deviation)
                ]
            }),
        OperationCase(
            name: "normals", covers: ["normals"], inputs: [],
            operation: { backend, _ in [backend.normals(sequences, count: 37)] },
            reference: { _ in
                let values = sequences.flatMap { sequence -> [Double] in
                    var words = sequence
                    return (0..<37).map { _ in quantile((Double(words.nextWord()) + 0.5) / 0x1p32) }
                }
                return [Values([sequences.count, 37], values)]
            }),
    ]

private let distances: [OperationCase] = [[3, 2000], [2, 3, 4, 4], [1, 1]].map { shape in
    OperationCase(
        name: "squaredDistances \(shape)", covers: ["squaredDistances"],
        inputs: [.values(shape, isActivation: shape.count == 4), .values(shape)],
        operation: { [$0.squaredDistances($1[0], $1[1])] },
        reference: { inputs in
            let rows = (0..<shape[0]).map { row -> Double in
                let step = inputs[0].rows([row]).combined(inputs[1].rows([row]), -)
                return step.dot(step)
            }
            return [Values([shape[0]], rows)]
        })
}

private let mean: [Float] = [0.5, 0.4, 0.3], deviation: [Float] = [0.25, 0.5, 0.2]

/// Two boxes of 5 × 5, the second one mirrored or not.
private func crops(flip: Bool) -> [AugmentationParameters] {
    [(0, 3), (4, 1)].enumerated().map { index, corner in
        AugmentationParameters(
            top: corner.0, left: corner.1, height: 5, width: 5, flip: flip && index == 1, colour: false, grey: false,
            order: (0, 1, 2, 3), brightness: 1, contrast: 1, saturation: 1, hue: 0, blur_sigma: 0, blur_radius: 0)
    }
}

private func cut(_ images: Values, flip: Bool) -> Values {
    var result = Values(zeros: [2, 3, 5, 5])
    for (b, (top, left)) in [(0, 3), (4, 1)].enumerated() {
        for c in 0..<3 {
            for i in 0..<5 {
                for j in 0..<5 {
                    let column = flip && b == 1 ? 4 - j : j
                    result[b, c, i, j] = (images[b, c, top + i, left + column] - Double(mean[c])) / Double(deviation[c])
                }
            }
        }
    }
    return result
}

private let sequences = [
    RandomKey(seed: 3, purpose: .noiseImage).sequence(id: 0), RandomKey(seed: 4, purpose: .mixing).sequence(id: -7),
]

/// Where the normal distribution function has this value, by bisection.
private func quantile(_ probability: Double) -> Double {
    var (low, high) = (-10.0, 10.0)
    for _ in 0..<80 {
        let middle = (low + high) / 2
        if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
