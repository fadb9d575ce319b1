import HLCompute
import HLTensor

/// What adversarial training needs beyond the rest: spectral norm, conditional batch norm, upsampling, differentiable
/// augmentation.
let adversarialOperations =
    spectralNorms + conditionalNorms + upsamplings + augmentations + wideKernels + wideConvolutions

// MARK: Spectral norm

private let spectralNorms: [OperationCase] =
    [
        ([6, 5, 3, 3], 1e-4), ([4, 28], 1e-4), ([1, 9], 1e-4), ([32, 16, 1, 1], 1e-4), ([3, 4], 10),
        // More rows and columns than threads of a block have turns.
        ([70, 40, 3, 3], 1e-4), ([300, 7], 1e-4),
    ].map {
        (shape: [Int], epsilon: Float) in
        OperationCase(
            name: "spectralNorm \(shape), ε \(epsilon)", covers: ["spectralNorm", "spectralNormBackward"],
            inputs: [.array(shape), .array([1, shape[0]])],
            operation: { backend, inputs in
                let made = backend.spectralNorm(inputs[0], left: inputs[1], epsilon: epsilon)
                return [made.weight, made.left, made.right, made.singularValue]
            },
            reference: { spectral($0[0], $0[1], Double(epsilon)) })
    }
    + [
        // With the vectors of its first use the weight's gradient has nothing else to go through: u and v do not move to
        // first order where they are those of the largest singular value.
        OperationCase(
            name: "spectralNorm, back", covers: ["spectralNormBackward"], inputs: [.array([6, 3, 2, 2])],
            operation: { backend, inputs in [settled(backend, inputs[0]).weight] },
            reference: { inputs in
                var left = Values([1, 6], [Double](repeating: 0.4, count: 6))
                for _ in 0..<400 { left = spectral(inputs[0], left, 1e-4)[1] }
                return [spectral(inputs[0], left, 1e-4)[0]]
            },
            backward: { backend, inputs, gradient in
                [backend.spectralNormBackward(gradient, settled(backend, inputs[0]))]
            })
    ]

private func settled(_ backend: any Backend, _ weight: Tensor) -> SpectralNormalisation {
    var made = backend.spectralNorm(
        weight, left: backend.constant(0.4, shape: [1, weight.shape[0]]), epsilon: 1e-4)
    for _ in 0..<400 { made = backend.spectralNorm(weight, left: made.left, epsilon: 1e-4) }
    return made
}

/// weight / σ, u', v and σ.
private func spectral(_ weight: Values, _ left: Values, _ epsilon: Double) -> [Values] {
    let rows = weight.shape[0], columns = weight.count / rows
    func unit(_ x: [Double]) -> [Double] {
        let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return x.map { $0 / max(length, epsilon) }
    }
    let right = unit(
        (0..<columns).map { column in
            (0..<rows).reduce(0) { $0 + left.data[$1] * weight.data[$1 * columns + column] }
        })
    let image = (0..<rows).map { row in
        (0..<columns).reduce(0) { $0 + right[$1] * weight.data[row * columns + $1] }
    }
    let new = unit(image), sigma = zip(image, new).reduce(0) { $0 + $1.0 * $1.1 }
    return [
        weight.map { $0 / sigma }, Values([1, rows], new), Values([1, columns], right), Values([1, 1], [sigma]),
    ]
}

// MARK: Conditional batch norm

private let conditionalNorms: [OperationCase] = [[4, 6, 5, 3], [3, 16, 4, 4], [2, 33, 2, 2], [5, 32, 1, 1]].map {
    shape in
    let (channels, epsilon, momentum) = (shape[1], Float(1e-3), Float(0.25))
    @Sendable func apply(_ backend: any Backend, _ inputs: [Tensor]) -> (Tensor, BatchStatistics, RunningStatistics) {
        let running = RunningStatistics(
            mean: backend.copy(inputs[3]), variance: backend.copy(inputs[4]), momentum: momentum)
        let (y, statistics) = backend.conditionalNorm(
            inputs[0], gain: inputs[1], shift: inputs[2], running: running, epsilon: epsilon)
        return (y, statistics, running)
    }
    return OperationCase(
        name: "conditionalNorm \(shape)", covers: ["conditionalNorm", "conditionalNormBackward"],
        inputs: [
            .values(shape, from: -1, to: 2, isActivation: true), .values([shape[0], channels], from: 0.5, to: 1.5),
            .array([shape[0], channels]), .array([channels]), .values([channels], from: 0.5, to: 1.5),
        ],
        operation: { backend, inputs in
            let (y, _, running) = apply(backend, inputs)
            return [y, running.mean, running.variance]
        },
        reference: { conditioned($0, Double(epsilon), Double(momentum)) },
        backward: { backend, inputs, gradient in
            let (_, statistics, _) = apply(backend, inputs)
            let made = backend.conditionalNormBackward(
                gradient, input: inputs[0], gain: inputs[1], shift: inputs[2], statistics: statistics)
            return [made.input, made.gain, made.shift, nil, nil]
        })
}

private func conditioned(_ inputs: [Values], _ epsilon: Double, _ momentum: Double) -> [Values] {
    let x = inputs[0], count = Double(x.shape[0] * x.positions)
    var (y, mean, variance) = (x, inputs[3], inputs[4])
    for c in 0..<x.shape[1] {
        let values = (0..<x.shape[0]).flatMap { b in (0..<x.positions).map { x[plane: b, c, $0] } }
        let centre = values.reduce(0, +) / count
        let spread = values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / count
        for b in 0..<x.shape[0] {
            for i in 0..<x.positions {
                let unit = (x[plane: b, c, i] - centre) / (spread + epsilon).squareRoot()
                y[plane: b, c, i] = max(0, unit * inputs[1][b, c] + inputs[2][b, c])
            }
        }
        mean.data[c] += momentum * (centre - mean.data[c])
        variance.data[c] += momentum * (spread * count / (count - 1) - variance.data[c])
    }
    return [y, mean, variance]
}

// MARK: Upsampling

private let upsamplings: [OperationCase] = [3, 16, 18].map { channels in
    OperationCase(
        name: "upsampled \(channels) channels", covers: ["upsampled"], inputs: [.activation([2, channels, 3, 4])],
        precision: .exact, operation: { [$0.upsampled($1[0])] },
        reference: { inputs in
            var large = Values(zeros: [2, channels, 6, 8])
            for b in 0..<2 {
                for c in 0..<channels {
                    for i in 0..<6 { for j in 0..<8 { large[b, c, i, j] = inputs[0][b, c, i / 2, j / 2] } }
                }
            }
            return [large]
        })
}

// MARK: Differentiable augmentation

private let augmentations: [OperationCase] =
    [
        OperationCase(
            name: "augmentDifferentiably", covers: ["augmentDifferentiably", "augmentDifferentiablyBackward"],
            inputs: [.values([changes.count, 3, 6, 6], from: 0, to: 1)],
            operation: { [$0.augmentDifferentiably($1[0], changes)] }, reference: { [changed($0[0])] },
            backward: { backend, _, gradient in [backend.augmentDifferentiablyBackward(gradient, changes)] }),
        OperationCase(
            name: "augmentDifferentiably bytes", covers: ["augmentDifferentiably"],
            inputs: [.bytes([changes.count, 3, 6, 6])], operation: { [$0.augmentDifferentiably($1[0], changes)] },
            reference: { [changed($0[0].map { $0 / 255 })] }),
    ]

/// Nothing, one thing alone, all together, shifts out of the image, boxes at its edges.
private let changes: [DifferentiableAugmentation] = {
    func change(_ edit: (inout DifferentiableAugmentation) -> Void) -> DifferentiableAugmentation {
        var result = DifferentiableAugmentation.identity
        edit(&result)
        return result
    }
    return [
        .identity, change { $0.flip = true }, change { $0.brightness = 0.3 }, change { $0.saturation = 1.7 },
        change { $0.contrast = 0.6 }, change { ($0.down, $0.right) = (2, -1) },
        change { ($0.down, $0.right) = (-3, 0) }, change { ($0.down, $0.right) = (0, 6) },
        change { ($0.first_row, $0.last_row, $0.first_column, $0.last_column) = (0, 2, 4, 6) },
        DifferentiableAugmentation(
            flip: true, brightness: -0.2, saturation: 0.2, contrast: 1.4, down: 1, right: 2, first_row: 3, last_row: 6,
            first_column: 1, last_column: 4),
    ]
}()

/// The steps one after the other, as the paper has them.
private func changed(_ images: Values) -> Values {
    var result = images.map { 2 * $0 - 1 }
    for (b, change) in changes.enumerated() {
        func transform(_ body: (Values, Int, Int, Int) -> Double) {
            let before = result
            for c in 0..<3 { for i in 0..<6 { for j in 0..<6 { result[b, c, i, j] = body(before, c, i, j) } } }
        }
        if change.flip { transform { x, c, i, j in x[b, c, i, 5 - j] } }
        transform { x, c, i, j in x[b, c, i, j] + Double(change.brightness) }
        transform { x, c, i, j in
            let grey = (x[b, 0, i, j] + x[b, 1, i, j] + x[b, 2, i, j]) / 3
            return grey + Double(change.saturation) * (x[b, c, i, j] - grey)
        }
        let all = result.rows([b]).data, mean = all.reduce(0, +) / Double(all.count)
        transform { x, c, i, j in mean + Double(change.contrast) * (x[b, c, i, j] - mean) }
        transform { x, c, i, j in
            let (row, column) = (i - Int(change.down), j - Int(change.right))
            return (0..<6).contains(row) && (0..<6).contains(column) ? x[b, c, row, column] : 0
        }
        transform { x, c, i, j in
            (Int(change.first_row)..<Int(change.last_row)).contains(i)
                && (Int(change.first_column)..<Int(change.last_column)).contains(j) ? 0 : x[b, c, i, j]
        }
    }
    return result
}

// MARK: Wide kernels

private let wideKernels: [OperationCase] = KernelWidening.allCases.flatMap { widening in
    [[3, 5, 3, 3], [16, 32, 3, 3], [1, 1, 3, 3]].map { shape in
        OperationCase(
            name: "widened \(shape) for \(widening)", covers: ["widened", "widenedBackward"], inputs: [.array(shape)],
            operation: { [$0.widened($1[0], widening)] },
            reference: { inputs in
                var wide = Values(zeros: widening.shape(of: shape))
                for o in 0..<shape[0] {
                    for i in 0..<shape[1] {
                        for tap in 0..<9 {
                            for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                                let (p, q) = (tap / 3 + y, tap % 3 + x), value = inputs[0][o, i, tap / 3, tap % 3]
                                switch widening {
                                case .pooling: wide[o, i, p, q] += value / 4
                                case .upsampling: wide[i, o, 3 - p, 3 - q] += value
                                }
                            }
                        }
                    }
                }
                return [wide]
            },
            backward: { backend, _, gradient in [backend.widenedBackward(gradient, weightShape: shape, widening)] })
    }
}

/// A convolution by the wide kernel is what it stands for.
private let wideConvolutions: [OperationCase] =
    [
        OperationCase(
            name: "pooling by a wide kernel", covers: ["widened"],
            inputs: [.activation([2, 16, 6, 6]), .array([32, 16, 3, 3])], precision: .convolution,
            operation: { backend, inputs in
                [
                    backend.convolution(
                        inputs[0], weight: backend.widened(inputs[1], .pooling), window: KernelWidening.window)
                ]
            },
            reference: { inputs in
                let large = convolved(inputs[0], inputs[1])
                var small = Values(zeros: [2, 32, 3, 3])
                for b in 0..<2 {
                    for o in 0..<32 {
                        for i in 0..<6 { for j in 0..<6 { small[b, o, i / 2, j / 2] += large[b, o, i, j] / 4 } }
                    }
                }
                return [small]
            }),
        OperationCase(
            name: "upsampling by a wide kernel", covers: ["widened"],
            inputs: [.activation([2, 16, 3, 3]), .array([32, 16, 3, 3])], precision: .convolution,
            operation: { backend, inputs in
                [
                    backend.convolutionInputGradient(
                        inputs[0], weight: backend.widened(inputs[1], .upsampling), inputShape: [2, 32, 6, 6],
                        window: KernelWidening.window)
                ]
            },
            reference: { inputs in
                var large = Values(zeros: [2, 16, 6, 6])
                for b in 0..<2 {
                    for c in 0..<16 {
                        for i in 0..<6 { for j in 0..<6 { large[b, c, i, j] = inputs[0][b, c, i / 2, j / 2] } }
                    }
                }
                return [convolved(large, inputs[1])]
            }),
    ]

/// A 3 × 3 convolution with padding 1.
private func convolved(_ x: Values, _ weight: Values) -> Values {
    let (height, width) = (x.shape[2], x.shape[3])
    var y = Values(zeros: [x.shape[0], weight.shape[0], height, width])
    for b in 0..<x.shape[0] {
        for o in 0..<weight.shape[0] {
            for i in 0..<height {
                for j in 0..<width {
                    var sum = 0.0
                    for c in 0..<x.shape[1] {
                        for tap in 0..<9 {
                            let (row, column) = (i + tap / 3 - 1, j + tap % 3 - 1)
                            guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                            sum += weight[o, c, tap / 3, tap % 3] * x[b, c, row, column]
                        }
                    }
                    y[b, o, i, j] = sum
                }
            }
        }
    }
    return y
}
