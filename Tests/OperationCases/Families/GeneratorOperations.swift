import Glibc
import HLCompute
import HLTensor

/// Upsampling, channels and attention.
let generatorOperations = images + attentions

private let images: [OperationCase] =
    [3, 16, 18].flatMap { channels -> [OperationCase] in
        let small = [2, channels, 3, 4], large = [2, channels, 6, 8]
        return [
            OperationCase(
                name: "addUpsampled to \(channels) channels", covers: ["addUpsampled"],
                inputs: [.activation(small), .activation(large)],
                operation: { backend, inputs in
                    let target = backend.copy(inputs[1])
                    backend.addUpsampled(inputs[0], to: target)
                    return [target]
                },
                reference: { inputs in
                    [mapped(large) { b, c, i, j in inputs[1][b, c, i, j] + inputs[0][b, c, i / 2, j / 2] }]
                }),
            OperationCase(
                name: "sumSquares of \(channels) channels", covers: ["sumSquares"], inputs: [.activation(large)],
                operation: { [$0.sumSquares($1[0])] },
                reference: { inputs in
                    var sums = Values(zeros: small)
                    _ = mapped(large) { b, c, i, j in
                        sums[b, c, i / 2, j / 2] += inputs[0][b, c, i, j]
                        return 0
                    }
                    return [sums]
                }),
            OperationCase(
                name: "filterUpsampled of \(channels) channels",
                covers: ["filterUpsampled", "filterUpsampledBackward"],
                inputs: [.activation(small)],
                operation: { [$0.filterUpsampled($1[0], UpsamplingFilter(kernel: kernel))] },
                reference: { inputs in
                    // large[n] = 4 Σ kernel[k] inserted[n + 1 − k] along both sides, where every second value is 0.
                    func inserted(_ b: Int, _ c: Int, _ i: Int, _ j: Int) -> Double {
                        i % 2 == 0 && j % 2 == 0 && (0..<6).contains(i) && (0..<8).contains(j)
                            ? inputs[0][b, c, i / 2, j / 2] : 0
                    }
                    return [
                        mapped(large) { b, c, i, j in
                            (0..<16).reduce(0.0) { sum, k in
                                sum + 4 * Double(kernel[k]) * inserted(b, c, i + 1 - k / 4, j + 1 - k % 4)
                            }
                        }
                    ]
                },
                backward: { backend, _, gradient in
                    [backend.filterUpsampledBackward(gradient, UpsamplingFilter(kernel: kernel))]
                }),
            OperationCase(
                name: "filter of \(channels) channels", covers: ["filter"], inputs: [.activation([2, channels, 7, 7])],
                operation: { [$0.filter($1[0], taps: taps, offset: 1, outputSide: 6)] },
                reference: { inputs in
                    [
                        mapped([2, channels, 6, 6]) { b, c, i, j in
                            (0..<16).reduce(0.0) { sum, k in
                                let (y, x) = (i + k / 4 - 1, j + k % 4 - 1)
                                guard (0..<7).contains(y), (0..<7).contains(x) else { return sum }
                                return sum + Double(taps[k / 4]) * Double(taps[k % 4]) * inputs[0][b, c, y, x]
                            }
                        }
                    ]
                }),
            OperationCase(
                name: "mixChannels of \(channels) channels", covers: ["mixChannels", "mixChannelsBackward"],
                inputs: [.activation([2, channels, 3, 5]), .array([2, 3, channels])],
                operation: { [$0.mixChannels($1[0], weights: $1[1])] },
                reference: { inputs in
                    [
                        mapped([2, 3, 3, 5]) { b, o, i, j in
                            (0..<channels).reduce(0.0) { sum, c in
                                sum + inputs[1].data[(b * 3 + o) * channels + c] * inputs[0][b, c, i, j]
                            }
                        }
                    ]
                },
                backward: { backend, inputs, gradient in
                    let made = backend.mixChannelsBackward(gradient, input: inputs[0], weights: inputs[1])
                    return [made.input, made.weights]
                }),
            OperationCase(
                name: "channels of \(channels) channels", covers: ["channels"], inputs: [.activation(small)],
                precision: .exact, operation: { [$0.channels($1[0], 1..<3)] },
                reference: { inputs in [mapped([2, 2, 3, 4]) { b, c, i, j in inputs[0][b, c + 1, i, j] }] }),
            OperationCase(
                name: "placeChannels in \(channels + 3) channels", covers: ["placeChannels"],
                inputs: [.activation(small)],
                precision: .exact, operation: { [$0.placeChannels($1[0], in: [2, channels + 3, 3, 4], at: 2)] },
                reference: { inputs in
                    [
                        mapped([2, channels + 3, 3, 4]) { b, c, i, j in
                            (2..<channels + 2).contains(c) ? inputs[0][b, c - 2, i, j] : 0
                        }
                    ]
                }),
        ]
    }

private let attentions: [OperationCase] =
    [(4, 6, [5, 4], [3, 2]), (1, 1, [1, 1], [7, 1]), (16, 3, [2, 2], [2, 2])].map { keys, values, queries, places in
        OperationCase(
            name: "attention of \(queries) to \(places), \(keys) and \(values) channels",
            covers: ["attention", "attentionBackward"],
            inputs: [
                .values([2, keys] + queries, from: -2, to: 2), .values([2, keys] + places, from: -2, to: 2),
                .array([2, values] + places),
            ],
            operation: { [$0.attention(query: $1[0], key: $1[1], value: $1[2])] }, reference: { [attended($0)] },
            backward: { backend, inputs, gradient in
                let made = backend.attentionBackward(gradient, query: inputs[0], key: inputs[1], value: inputs[2])
                return [made.query, made.key, made.value]
            })
    }
    + [
        // More queries than any tile holds.
        OperationCase(
            name: "attention of many", covers: ["attention"],
            inputs: [
                .values([1, 4, 20, 20], from: -2, to: 2), .values([1, 4, 5, 5], from: -2, to: 2), .array([1, 6, 5, 5]),
            ],
            operation: { [$0.attention(query: $1[0], key: $1[1], value: $1[2])] }, reference: { [attended($0)] })
    ]

/// The filter of neither symmetry.
private let kernel = (0..<16).map { Float(($0 * $0 + 3) % 17) / 40 }
private let taps: [Float] = [0.1, 0.4, 0.3, -0.2]

private func mapped(_ shape: [Int], _ body: (_ b: Int, _ c: Int, _ i: Int, _ j: Int) -> Double) -> Values {
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    return Values(
        shape,
        (0..<shape.reduce(1, *)).map {
            body($0 / (width * height * channels), $0 / (width * height) % channels, $0 / width % height, $0 % width)
        })
}

/// Σ over keys of softmax(queryᵀ key) value.
private func attended(_ inputs: [Values]) -> Values {
    let (query, key, value) = (inputs[0], inputs[1], inputs[2])
    var result = Values(zeros: [query.shape[0], value.shape[1]] + query.shape.dropFirst(2))
    for b in 0..<query.shape[0] {
        for n in 0..<query.positions {
            let products = (0..<key.positions).map { m in
                (0..<query.shape[1]).reduce(0.0) { $0 + query[plane: b, $1, n] * key[plane: b, $1, m] }
            }
            let weights = softmax(Values([1, products.count], products)).data
            for c in 0..<value.shape[1] {
                for (m, weight) in weights.enumerated() { result[plane: b, c, n] += weight * value[plane: b, c, m] }
            }
        }
    }
    return result
}
