import HLCompute
import HLTensor

/// Memory, rows and columns: copies to the bit.
let rowOperations = copies + joinsAndColumns + rows

private let copies: [OperationCase] =
    [[5], [3, 4], [2, 18, 3, 4], [2, 16, 3, 4]].flatMap { shape -> [OperationCase] in
        let x = OperationCase.Input.values(shape, isActivation: shape.count == 4)
        return [
            OperationCase(
                name: "read \(shape)", covers: ["tensor"], inputs: [x], precision: .exact, operation: { $1 },
                reference: { $0 }),
            OperationCase(
                name: "copy \(shape)", covers: ["copy"], inputs: [x], precision: .exact,
                operation: { backend, inputs in
                    let copy = backend.copy(inputs[0])
                    // What happens to the copy leaves the original alone.
                    backend.accumulate(inputs[0], into: copy)
                    return [inputs[0], copy]
                }, reference: { [$0[0], $0[0].map { 2 * $0 }] }),
            OperationCase(
                name: "assign \(shape)", covers: ["assign", "constant"], inputs: [x], precision: .exact,
                operation: { backend, inputs in
                    let target = backend.copy(inputs[0])
                    let half = HostTensor([Float](repeating: 0.5, count: target.elementCount), shape: shape)
                    backend.assign(half, to: target)
                    return [target, backend.constant(-1.25, shape: shape)]
                },
                reference: { [$0[0].map { _ in 0.5 }, $0[0].map { _ in -1.25 }] }),
        ]
    }

private let joinsAndColumns: [OperationCase] =
    [
        OperationCase(
            name: "bytes and integers", covers: ["tensor"], inputs: [.bytes([3, 5]), .integers([4, -1, 70000])],
            precision: .exact, operation: { $1 }, reference: { $0 }),
        OperationCase(
            name: "assign integers", covers: ["assign"], inputs: [.integers([4, -1, 7])], precision: .exact,
            operation: { backend, inputs in
                let target = backend.copy(inputs[0])
                let values: [Int32] = [8, 9, -3]
                let host = HostTensor(.i32, shape: [3]) { bytes in values.withUnsafeBytes { bytes.copyMemory(from: $0) }
                }
                backend.assign(host, to: target)
                return [target]
            }, reference: { _ in [Values([3], [8, 9, -3])] }),
        OperationCase(
            name: "concatenate matrices", covers: ["concatenate"],
            inputs: [.array([2, 7]), .array([1, 7]), .array([4, 7])],
            precision: .exact, operation: { [$0.concatenate($1)] },
            reference: { [Values([7, 7], $0.flatMap(\.data))] }),
        OperationCase(
            name: "concatenate images", covers: ["concatenate"],
            inputs: [.bytes([2, 3, 2, 2]), .bytes([1, 3, 2, 2])],
            precision: .exact, operation: { [$0.concatenate($1)] },
            reference: { [Values([3, 3, 2, 2], $0.flatMap(\.data))] }),
        OperationCase(
            name: "concatenate activations of two layouts", covers: ["concatenate"],
            inputs: [.activation([2, 16, 2, 3]), .array([1, 16, 2, 3])], precision: .exact,
            operation: { [$0.concatenate($1), $0.concatenate([$1[1], $1[0]])] },
            reference: {
                [Values([3, 16, 2, 3], $0.flatMap(\.data)), Values([3, 16, 2, 3], $0.reversed().flatMap(\.data))]
            }),
        OperationCase(
            name: "columns", covers: ["columns"], inputs: [.array([3, 8])], precision: .exact,
            operation: { [$0.columns($1[0], 2..<7)] },
            reference: { inputs in
                let x = inputs[0]
                return [Values([3, 5], (0..<15).map { x[$0 / 5, 2 + $0 % 5] })]
            }),
        OperationCase(
            name: "addColumns", covers: ["addColumns"], inputs: [.array([3, 8]), .array([3, 4])],
            operation: { backend, inputs in
                let target = backend.copy(inputs[0])
                backend.addColumns(inputs[1], into: target, at: 3)
                return [target]
            },
            reference: { inputs in
                var target = inputs[0]
                for row in 0..<3 { for column in 0..<4 { target[row, 3 + column] += inputs[1][row, column] } }
                return [target]
            }),
        OperationCase(
            name: "reshaped", covers: ["reshaped"], inputs: [.activation([2, 16, 3, 4])], precision: .exact,
            operation: { [$0.reshaped($1[0], [6, 64])] }, reference: { [Values([6, 64], $0[0].data)] }),
    ]

private let rows: [OperationCase] =
    [
        OperationCase.Input.activation([4, 18, 2, 3]), .activation([4, 16, 2, 3]), .array([4, 7]),
        .bytes([4, 3, 2, 2]),
        .integers([7, 8, 9, 10]),
    ]
    .enumerated().flatMap { index, x -> [OperationCase] in
        [
            OperationCase(
                name: "rows of \(index)", covers: ["rows"], inputs: [x, .integers([3, 0, 3, 2, 1])], precision: .exact,
                operation: { [$0.rows($1[0], 1..<3), $0.rows($1[0], at: $1[1])] },
                reference: { [$0[0].rows([1, 2]), $0[0].rows([3, 0, 3, 2, 1])] }),
            OperationCase(
                name: "assignRows of \(index)", covers: ["assignRows"], inputs: [x], precision: .exact,
                operation: { backend, inputs in
                    let target = backend.copy(inputs[0])
                    backend.assignRows(backend.rows(inputs[0], 0..<2), to: target, at: 2)
                    return [target]
                }, reference: { [$0[0].rows([0, 1, 0, 1])] }),
        ]
    }
