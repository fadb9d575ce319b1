import HLCompute
import HLTensor

/// Convolution and its two ways back, with weights that change and weights that never do.
let convolutions = oneUse + severalUses

private let oneUse: [OperationCase] =
    (smallConvolutions + networkConvolutions).flatMap { shape -> [OperationCase] in
        let (weight, output, window) = (shape.weight, shape.output, shape.window)
        return [
            OperationCase(
                name: "convolution \(shape.description)", covers: ["convolution"],
                inputs: [.activation(shape.input), .array(weight)], precision: .convolution,
                operation: { [$0.convolution($1[0], weight: $1[1], window: window)] },
                reference: { [convolved($0[0], $0[1], output, window)] }),
            OperationCase(
                name: "convolutionInputGradient \(shape.description)", covers: ["convolutionInputGradient"],
                inputs: [.activation(output), .array(weight)], precision: .convolution,
                operation: {
                    [$0.convolutionInputGradient($1[0], weight: $1[1], inputShape: shape.input, window: window)]
                },
                reference: { inputs in
                    var x = Values(zeros: shape.input)
                    forEachProduct(shape.input, output, window) {
                        x.data[$0] += inputs[0].data[$1] * inputs[1].data[$2]
                    }
                    return [x]
                }),
            OperationCase(
                name: "convolutionWeightGradient \(shape.description)", covers: ["convolutionWeightGradient"],
                inputs: [.activation(output), .activation(shape.input)], precision: .convolution,
                operation: {
                    [$0.convolutionWeightGradient($1[0], input: $1[1], weightShape: weight, window: window)]
                },
                reference: { inputs in
                    var w = Values(zeros: weight)
                    forEachProduct(shape.input, output, window) {
                        w.data[$2] += inputs[1].data[$0] * inputs[0].data[$1]
                    }
                    return [w]
                }),
        ]
    }

private let severalUses: [OperationCase] = [
    ConvolutionShape([2, 64, 8, 8], 64, 3), ConvolutionShape([2, 20, 6, 5], 12, 3, stride: 2),
].flatMap { shape -> [OperationCase] in
    [
        // A backend may keep a weight in another layout, but not its old values.
        OperationCase(
            name: "convolution by a weight that changes, \(shape.description)", covers: ["convolution"],
            inputs: [.activation(shape.input), .array(shape.weight), .array(shape.output)], precision: .convolution,
            operation: { backend, inputs in
                let weight = backend.copy(inputs[1])
                func use() -> [Tensor] {
                    [
                        backend.convolution(inputs[0], weight: weight, window: shape.window),
                        backend.convolutionInputGradient(
                            inputs[2], weight: weight, inputShape: shape.input, window: shape.window),
                    ]
                }
                let before = use()
                backend.accumulate(inputs[1], into: weight)
                return before + use()
            },
            reference: { inputs in
                var back = Values(zeros: shape.input)
                forEachProduct(shape.input, shape.output, shape.window) {
                    back.data[$0] += inputs[2].data[$1] * inputs[1].data[$2]
                }
                let y = convolved(inputs[0], inputs[1], shape.output, shape.window)
                return [y, back, y.map { 2 * $0 }, back.map { 2 * $0 }]
            }),
        OperationCase(
            name: "convolution by a frozen weight, \(shape.description)", covers: ["freeze"],
            inputs: [.activation(shape.input), .array(shape.weight)], precision: .convolution,
            operation: { backend, inputs in
                backend.freeze(inputs[1])
                let uses = (0..<2).map { _ in
                    backend.convolution(inputs[0], weight: inputs[1], window: shape.window)
                }
                return uses + [inputs[1]]
            },
            reference: { inputs in
                let y = convolved(inputs[0], inputs[1], shape.output, shape.window)
                return [y, y, inputs[1]]
            }),
    ]
}

/// Shapes that take Winograd's algorithm in all passes or only for the weights' gradient, channels that fill no block
/// of 16, images smaller than the window, and the first layers.
private let smallConvolutions = [
    ConvolutionShape([2, 64, 14, 14], 64, 3), ConvolutionShape([2, 64, 9, 11], 72, 3),
    ConvolutionShape([3, 100, 7, 7], 65, 3),
    ConvolutionShape([2, 20, 12, 12], 70, 3), ConvolutionShape([2, 16, 10, 10], 24, 3),
    ConvolutionShape([1, 64, 1, 1], 64, 3),
    ConvolutionShape([2, 128, 2, 2], 64, 3), ConvolutionShape([1, 64, 5, 5], 64, 3),
    ConvolutionShape([2, 64, 13, 13], 96, 3, stride: 2),
    ConvolutionShape([2, 17, 6, 6], 33, 5), ConvolutionShape([2, 64, 7, 7], 100, 1),
    ConvolutionShape([2, 72, 8, 8], 40, 1, stride: 2),
    ConvolutionShape([2, 3, 32, 32], 64, 7, stride: 2), ConvolutionShape([2, 3, 10, 10], 20, 3),
    ConvolutionShape([2, 1, 8, 8], 5, 3),
    ConvolutionShape([2, 2, 8, 8], 16, 3), ConvolutionShape([2, 4, 9, 9], 7, 3, stride: 2),
]

/// ResNet-18's and ResNet-50's convolutions at 112 px, and some that fill no block.
private let networkConvolutions = [
    ConvolutionShape([1, 3, 112, 112], 64, 7, stride: 2), ConvolutionShape([1, 64, 28, 28], 64, 3),
    ConvolutionShape([1, 64, 28, 28], 256, 1), ConvolutionShape([1, 256, 28, 28], 64, 1),
    ConvolutionShape([1, 64, 28, 28], 128, 3, stride: 2), ConvolutionShape([1, 128, 14, 14], 128, 3),
    ConvolutionShape([1, 256, 28, 28], 512, 1, stride: 2), ConvolutionShape([1, 256, 7, 7], 256, 3),
    ConvolutionShape([1, 512, 4, 4], 512, 3), ConvolutionShape([1, 1024, 7, 7], 2048, 1, stride: 2),
    ConvolutionShape([3, 48, 15, 17], 80, 3), ConvolutionShape([3, 50, 15, 17], 90, 3, stride: 2),
    ConvolutionShape([5, 24, 11, 11], 24, 3),
]

extension ConvolutionShape {
    fileprivate var weight: [Int] { [outChannels, input[1], window.size, window.size] }
    fileprivate var output: [Int] { [input[0], outChannels, window.output(input[2]), window.output(input[3])] }
}

/// y[b, o, i, j] = Σ x[b, c, s i + u − p, s j + v − p] w[o, c, u, v] with zeros beyond the image.
private func convolved(_ x: Values, _ weight: Values, _ output: [Int], _ window: Window) -> Values {
    var y = Values(zeros: output)
    forEachProduct(x.shape, output, window) { y.data[$1] += x.data[$0] * weight.data[$2] }
    return y
}

/// All products of a convolution, as places in its input, its output and its weight.
@inline(__always)
private func forEachProduct(
    _ input: [Int], _ output: [Int], _ window: Window, _ body: (_ x: Int, _ y: Int, _ weight: Int) -> Void
) {
    let (channels, height, width) = (input[1], input[2], input[3])
    let (outChannels, rows, columns) = (output[1], output[2], output[3])
    let (size, stride, padding) = (window.size, window.stride, window.padding)
    for b in 0..<input[0] {
        for o in 0..<outChannels {
            for c in 0..<channels {
                for u in 0..<size {
                    for i in 0..<rows {
                        let y = stride * i + u - padding
                        guard y >= 0, y < height else { continue }
                        for v in 0..<size {
                            for j in 0..<columns {
                                let x = stride * j + v - padding
                                guard x >= 0, x < width else { continue }
                                body(
                                    ((b * channels + c) * height + y) * width + x,
                                    ((b * outChannels + o) * rows + i) * columns + j,
                                    ((o * channels + c) * size + u) * size + v)
                            }
                        }
                    }
                }
            }
        }
    }
}
