import HLCompute
import HLNet
import HLTensor

extension NetworkGenerator {
    /// What is beyond `Backend.recordedSamples` is rendered a second time when its gradient has come.
    package func images(
        _ z: Variable, ids: [Int64], view: Int, substituting substitution: LayerSubstitution?, _ pass: Pass
    ) throws -> Variable {
        let substituting = self as? any LayerSubstituting
        guard substitution == nil || substituting != nil else {
            throw Failure(
                .usage, "\(specification.name) has no mapped latents to take layers from", "choose chunks instead")
        }
        let backend = backend, count = z.shape[0], size = backend.renderBatch(side: networkSide)
        let recordable = pass.tape.isRecording && z.requiresGradient ? backend.recordedSamples(side: networkSide) : 0
        func block(_ rows: Range<Int>, isRecorded: Bool) -> RecordedImages {
            let pass = Pass(
                Tape(backend, recording: isRecorded), training: false, precision: specification.rendering.precision)
            let input = Variable(backend.rows(z.value, rows), requiresGradient: isRecorded)
            let noise = noiseSource(rows.map { (ids[$0], view) })
            guard let substitution, let substituting else {
                return RecordedImages(pass.tape, input, finishedImages(input, noise: noise, pass))
            }
            let w = substituting.substituted(
                input, substitution.layers, into: backend.rows(substitution.anchors, rows), pass)
            return RecordedImages(pass.tape, input, finishedImages(w, space: .w, noise: noise, pass))
        }
        let ranges = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
        var kept: [RecordedImages?] = [], parts: [Tensor] = []
        for rows in ranges {
            let isRecorded = rows.upperBound <= recordable
            let made = block(rows, isRecorded: isRecorded)
            parts.append(made.images.value)
            kept.append(isRecorded ? made : nil)
        }
        let images = parts.count == 1 ? parts[0] : backend.concatenate(parts)
        parts = []
        return pass.tape.result(images, from: [z]) { [z = z.sink] gradient in
            let back = zip(ranges, kept.indices).map { rows, index in
                let recorded = kept[index] ?? block(rows, isRecorded: true)
                kept[index] = nil
                return recorded.latentGradient(backend.rows(gradient, rows))
            }
            z.receive(backend.concatenate(back), backend)
        }
    }
}

/// Images of some samples on a tape of their own.
private struct RecordedImages {
    let tape: Tape
    let input: Variable
    let images: Variable

    init(_ tape: Tape, _ input: Variable, _ images: Variable) {
        self.tape = tape
        self.input = input
        self.images = images
    }

    /// dL/dz [b, n · m] from dL/dimages. To be called once: what was kept for it is gone then.
    func latentGradient(_ gradient: Tensor) -> Tensor {
        tape.backward(from: images, gradient: gradient)
        return input.takeGradient() ?? tape.backend.constant(0, shape: input.shape)
    }
}
