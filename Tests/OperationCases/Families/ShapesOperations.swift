import CKernels
import HLCompute
import HLTensor

/// The built-in generator, beside what CKernels draws; that this is right is for tests of the generator to show.
let shapesOperations: [OperationCase] = drawings + gradients + [ofMany]

private let drawings = [(16, false), (20, true), (33, false), (33, true)].map { side, clean in
    OperationCase(
        name: "renderShapes, \(side) pixels\(clean ? ", clean" : "")", covers: ["renderShapes"], inputs: [],
        precision: .exact,
        operation: { backend, _ in
            [ElementType.f32, .u8].map {
                backend.renderShapes(backend.tensor(latents), side: side, clean: clean, as: $0)
            }
        },
        reference: { _ in
            let images = drawn(latents, side, clean)
            return [images, bytes(images)]
        })
}

private let gradients = [(16, true), (20, false), (33, false), (33, true)].map { side, clean in
    OperationCase(
        name: "renderShapesBackward, \(side) pixels\(clean ? ", clean" : "")",
        covers: ["renderShapes", "renderShapesBackward"], inputs: [.array([latents.shape[0], 3, side, side])],
        operation: { backend, inputs in
            [
                backend.renderShapesBackward(
                    inputs[0], z: backend.tensor(latents.reshaped([latents.shape[0], 120])), clean: clean)
            ]
        },
        reference: { [slope($0[0], clean)] })
}

/// More than the host renders at a time before it rounds.
private let ofMany = OperationCase(
    name: "renderShapes, many", covers: ["renderShapes"], inputs: [], precision: .exact,
    operation: { backend, _ in [backend.renderShapes(backend.tensor(many), side: 16, clean: false, as: .u8)] },
    reference: { _ in [bytes(drawn(many, 16, false))] })

/// [40, 6, 20], of every class with every defect and without.
private let latents: HostTensor = {
    var found: [Int: [Float]] = [:], round = 0
    while found.count < 40 {
        let drawn = Formula.centred("shapes.z.\(round)", [64, 6, 20]).floats.map { 4 * $0 }
        var truths = [hl_shapes_truth](repeating: hl_shapes_truth(), count: 64)
        hl_shapes_truth_of(drawn, 64, &truths)
        for (index, truth) in truths.enumerated() {
            let kind = Int(truth.defect) * HL_SHAPES_CLASSES + Int(truth.label)
            if found[kind] == nil { found[kind] = Array(drawn[index * 120..<(index + 1) * 120]) }
        }
        round += 1
    }
    return HostTensor((0..<40).flatMap { found[$0] ?? [] }, shape: [40, 6, 20])
}()

private let many = HostTensor.concatenate([HostTensor](repeating: latents, count: 7))

/// Images 0…1.
private func drawn(_ z: HostTensor, _ side: Int, _ clean: Bool) -> Values {
    var images = [Float](repeating: 0, count: z.rowCount * 3 * side * side)
    hl_shapes_render(z.floats, &images, Int32(z.rowCount), Int32(side), clean ? 1 : 0)
    return Values([z.rowCount, 3, side, side], images.map(Double.init))
}

/// In single precision, in which pixels are rounded.
private func bytes(_ images: Values) -> Values { images.map { Double(Int(Float($0) * 255 + 0.5)) } }

/// dL/dz from dL/dimages, in which it is linear: row by row of all images, added up in double precision.
private func slope(_ gradient: Values, _ clean: Bool) -> Values {
    let count = gradient.shape[0], side = gradient.shape[3], z = latents.floats
    var sum = Values(zeros: [count, 120])
    for row in 0..<side {
        let part = gradient.data.indices.map { $0 / side % side == row ? Float(gradient.data[$0]) : 0 }
        var slope = [Float](repeating: 0, count: count * 120)
        hl_shapes_gradient(z, part, &slope, Int32(count), Int32(side), clean ? 1 : 0)
        for index in slope.indices { sum.data[index] += Double(slope[index]) }
    }
    return sum
}
