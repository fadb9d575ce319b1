import HLCompute
import HLTensor

/// Matrices and linear maps of images.
let productOperations = matrixProducts + rowProducts + vectors + resamplings

private let matrixProducts: [OperationCase] =
    [(5, 7, 3), (17, 33, 40), (1, 64, 10), (2, 1, 1)].flatMap { m, k, n -> [OperationCase] in
        [false, true].flatMap { transposeA in
            [false, true].map { transposeB in
                OperationCase(
                    name: "matmul \(m) × \(k) × \(n), a\(transposeA ? "ᵀ" : "") b\(transposeB ? "ᵀ" : "")",
                    covers: ["matmul"],
                    inputs: [.array(transposeA ? [k, m] : [m, k]), .array(transposeB ? [n, k] : [k, n])],
                    operation: { [$0.matmul($1[0], $1[1], transposeA: transposeA, transposeB: transposeB)] },
                    reference: { [product($0[0], $0[1], transposeA, transposeB)] })
            }
        }
    }

private let rowProducts: [OperationCase] = [(1, 1, 1), (9, 5, 3), (3, 70, 40)].map { rows, inputs, outputs in
    OperationCase(
        name: "projectRows \(rows) × \(inputs) × \(outputs)", covers: ["projectRows"],
        inputs: [.array([rows, inputs]), .array([outputs, inputs])], operation: { [$0.projectRows($1[0], $1[1])] },
        reference: { [product($0[0], $0[1], false, true)] })
}

private let vectors: [OperationCase] = [[6, 30], [1, 3], [40, 1]].flatMap { shape -> [OperationCase] in
    [
        OperationCase(
            name: "addRowVector \(shape)", covers: ["addRowVector"], inputs: [.array([shape[1]]), .array(shape)],
            operation: { backend, inputs in
                let target = backend.copy(inputs[1])
                backend.addRowVector(inputs[0], to: target)
                return [target]
            },
            reference: { inputs in
                var sums = inputs[1]
                for i in sums.data.indices { sums.data[i] += inputs[0].data[i % shape[1]] }
                return [sums]
            }),
        OperationCase(
            name: "columnSums \(shape)", covers: ["columnSums"], inputs: [.array(shape)],
            operation: { [$0.columnSums($1[0])] },
            reference: { inputs in
                var sums = Values(zeros: [shape[1]])
                for i in inputs[0].data.indices { sums.data[i % shape[1]] += inputs[0].data[i] }
                return [sums]
            }),
    ]
}

private let resamplings: [OperationCase] =
    [
        ("centre crop", ResampleTaps.centreCrop(of: 12, to: 7)),
        ("reduction, antialiased", .bilinear(from: 12, to: 5, antialias: true)),
        ("reduction", .bilinear(from: 12, to: 5, antialias: false)),
        ("enlargement", .bilinear(from: 12, to: 20, antialias: true)),
        (
            "crop and reduction",
            ResampleTaps.centreCrop(of: 12, to: 9).followed(by: .bilinear(from: 9, to: 3, antialias: true))
        ),
    ].map { name, taps in
        OperationCase(
            name: "resample, \(name)", covers: ["resample"], inputs: [.activation([2, 3, 12, 12])],
            operation: { [$0.resample($1[0], taps)] }, reference: { [resampled($0[0], taps)] },
            backward: { backend, _, gradient in [backend.resample(gradient, taps.transposed)] })
    }

private func product(_ a: Values, _ b: Values, _ transposeA: Bool, _ transposeB: Bool) -> Values {
    let m = a.shape[transposeA ? 1 : 0], k = a.shape[transposeA ? 0 : 1], n = b.shape[transposeB ? 0 : 1]
    var result = Values(zeros: [m, n])
    for i in 0..<m {
        for j in 0..<n {
            for l in 0..<k { result[i, j] += (transposeA ? a[l, i] : a[i, l]) * (transposeB ? b[j, l] : b[l, j]) }
        }
    }
    return result
}

/// Σ over both sides of the taps' weights.
private func resampled(_ x: Values, _ taps: ResampleTaps) -> Values {
    let side = taps.outputCount
    func weights(_ output: Int) -> [(input: Int, weight: Double)] {
        (0..<Int(taps.counts[output])).map {
            (Int(taps.starts[output]) + $0, Double(taps.weights[output * taps.most + $0]))
        }
    }
    var result = Values(zeros: [x.shape[0], x.shape[1], side, side])
    for b in 0..<x.shape[0] {
        for c in 0..<x.shape[1] {
            for i in 0..<side {
                for j in 0..<side {
                    for (y, v) in weights(i) {
                        for (z, w) in weights(j) { result[b, c, i, j] += v * w * x[b, c, y, z] }
                    }
                }
            }
        }
    }
    return result
}
