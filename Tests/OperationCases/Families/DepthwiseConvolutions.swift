import HLCompute
import HLTensor

/// Every channel by a kernel of its own: whole blocks of channels and others, kernels of EfficientNet-Lite0 with both of its
/// paddings, images smaller than the kernel.
let depthwiseConvolutions: [OperationCase] = [
    ([2, 32, 5, 5], Window(size: 3, padding: 1)), ([1, 48, 6, 6], Window.same(size: 3, stride: 2, side: 6)),
    ([1, 16, 9, 9], Window.same(size: 5, stride: 2, side: 9)),
    ([2, 16, 8, 8], Window.same(size: 5, stride: 2, side: 8)),
    ([2, 16, 7, 7], Window(size: 5, padding: 2)), ([3, 20, 6, 5], Window(size: 3, padding: 1)),
    ([2, 7, 8, 8], Window(size: 5, stride: 2, padding: 2)), ([1, 32, 2, 2], Window(size: 5, padding: 2)),
    ([1, 1, 4, 4], Window(size: 3, padding: 1)), ([2, 24, 6, 6], Window.same(size: 3, stride: 2, side: 6)),
].map { shape, window in
    let output = [shape[0], shape[1], window.output(shape[2]), window.output(shape[3])]
    return OperationCase(
        name: "depthwise \(window.size) × \(window.size) of \(shape), stride \(window.stride), "
            + "padding \(window.padding) + \(window.trailing)",
        covers: ["depthwiseConvolution", "depthwiseInputGradient", "depthwiseWeightGradient"],
        inputs: [.activation(shape), .array([shape[1], 1, window.size, window.size])], precision: .convolution,
        operation: { [$0.depthwiseConvolution($1[0], weight: $1[1], window: window)] },
        reference: { inputs in
            var y = Values(zeros: output)
            for b in 0..<shape[0] {
                for c in 0..<shape[1] {
                    for i in 0..<output[2] {
                        for j in 0..<output[3] {
                            var sum = 0.0
                            for u in 0..<window.size {
                                let row = i * window.stride + u - window.padding
                                guard (0..<shape[2]).contains(row) else { continue }
                                for v in 0..<window.size {
                                    let column = j * window.stride + v - window.padding
                                    guard (0..<shape[3]).contains(column) else { continue }
                                    sum +=
                                        inputs[0].data[((b * shape[1] + c) * shape[2] + row) * shape[3] + column]
                                        * inputs[1].data[(c * window.size + u) * window.size + v]
                                }
                            }
                            y.data[((b * shape[1] + c) * output[2] + i) * output[3] + j] = sum
                        }
                    }
                }
            }
            return [y]
        },
        backward: { backend, inputs, gradient in
            [
                backend.depthwiseInputGradient(
                    gradient, weight: inputs[1], inputShape: inputs[0].shape, window: window),
                backend.depthwiseWeightGradient(gradient, input: inputs[0], window: window),
            ]
        })
}
