import Glibc
import HLCompute
import HLTensor

/// Pooling, and softmax over rows.
let poolingOperations = maxima + averages + softmaxes

private let maxima: [OperationCase] =
    [
        (5, Window(size: 3, stride: 2, padding: 1)), (18, Window(size: 3, stride: 2, padding: 1)),
        (32, Window(size: 3, stride: 2, padding: 1)),
        (16, Window(size: 2, stride: 2)), (3, Window(size: 3)),
    ]
    .map { channels, window in
        OperationCase(
            name: "maxPool of \(channels) channels, \(window.size) × \(window.size) by \(window.stride)",
            covers: ["maxPool", "maxPoolBackward"],
            // All below 0: the edge must not win.
            inputs: [.values([2, channels, 6, 5], from: -2, to: -1, isActivation: true)],
            operation: { [$0.maxPool($1[0], window: window).output] },
            reference: { [pooled($0[0], window)] },
            backward: { backend, inputs, gradient in
                let chosen = backend.maxPool(inputs[0], window: window).chosen
                return [backend.maxPoolBackward(gradient, chosen: chosen, inputShape: inputs[0].shape, window: window)]
            })
    }

/// Maxima over windows.
func pooled(_ x: Values, _ window: Window) -> Values {
    let height = x.shape[2], width = x.shape[3]
    /// What of the image lies in a window.
    func places(_ index: Int, _ side: Int) -> Range<Int> {
        let first = window.stride * index - window.padding
        return max(first, 0)..<min(first + window.size, side)
    }
    var y = Values(zeros: [x.shape[0], x.shape[1], window.output(height), window.output(width)])
    for b in 0..<x.shape[0] {
        for c in 0..<x.shape[1] {
            for i in 0..<y.shape[2] {
                for j in 0..<y.shape[3] {
                    var greatest = -Double.infinity
                    for r in places(i, height) {
                        for k in places(j, width) { greatest = max(greatest, x[b, c, r, k]) }
                    }
                    y[b, c, i, j] = greatest
                }
            }
        }
    }
    return y
}

private let averages: [OperationCase] = [[3, 20, 5, 4], [2, 16, 1, 1], [1, 3, 7, 7]].map { shape in
    OperationCase(
        name: "averagePool \(shape)", covers: ["averagePool", "averagePoolBackward"], inputs: [.activation(shape)],
        operation: { [$0.averagePool($1[0])] },
        reference: { inputs in
            let x = inputs[0], count = x.positions
            var means = Values(zeros: [shape[0], shape[1]])
            for i in x.data.indices { means.data[i / count] += x.data[i] / Double(count) }
            return [means]
        },
        backward: { backend, inputs, gradient in
            [backend.averagePoolBackward(gradient, inputShape: inputs[0].shape, type: inputs[0].type)]
        })
}

private let softmaxes: [OperationCase] =
    [[4, 9], [1, 1], [3, 70]].map { shape in
        OperationCase(
            name: "softmaxRows \(shape)", covers: ["softmaxRows", "softmaxRowsBackward"],
            inputs: [.values(shape, from: -6, to: 6)], operation: { [$0.softmaxRows($1[0])] },
            reference: { [softmax($0[0])] },
            backward: { backend, inputs, gradient in
                [backend.softmaxRowsBackward(gradient, output: backend.softmaxRows(inputs[0]))]
            })
    }
    + [
        // Neither overflows.
        OperationCase(
            name: "softmaxRows of great values", covers: ["softmaxRows"],
            inputs: [.values([2, 5], from: 200, to: 210)],
            operation: { [$0.softmaxRows($1[0])] }, reference: { [softmax($0[0])] })
    ]

/// Of every row.
func softmax(_ x: Values) -> Values {
    let width = x.shape[1]
    var result = x
    for row in 0..<x.shape[0] {
        let range = row * width..<(row + 1) * width, greatest = x.data[range].max() ?? 0
        let powers = x.data[range].map { exp($0 - greatest) }, sum = powers.reduce(0, +)
        for (column, power) in powers.enumerated() { result[row, column] = power / sum }
    }
    return result
}
