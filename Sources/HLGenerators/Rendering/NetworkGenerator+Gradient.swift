import HLCompute
import HLNet
import HLTensor

extension NetworkGenerator {
    /// Samples whose activations are kept for the way back: those of 16 images of 128 pixels, three gigabytes of
    /// BigBiGAN's. What is beyond is rendered a second time when its gradient has come.
    package var keptSamples: Int { max(1, (16 << 14) / (networkSide * networkSide)) }

    package func differentiableImages(
        _ latents: Latents, substituting substitution: LayerSubstitution?
    ) throws -> DifferentiableImages {
        let count = latents.values.rowCount, size = microBatch
        var blocks: [Block] = [], images: [HostTensor] = []
        for first in stride(from: 0, to: count, by: size) {
            let rows = first..<min(first + size, count)
            let block = Block(
                rows: rows, recorded: try record(latents, rows, substitution, recording: rows.upperBound <= keptSamples))
            images.append(try backend.read(block.recorded.images.value))
            blocks.append(block)
        }
        let made = HostTensor.concatenate(images)
        // The images themselves are needed no more; the tapes have what they need.
        var kept = blocks.map { ($0.rows, $0.recorded.tape.isRecording ? $0.recorded : nil) }
        return DifferentiableImages(images: made) { gradient in
            var parts: [HostTensor] = []
            for index in kept.indices {
                let rows = kept[index].0
                let recorded = try kept[index].1 ?? self.record(latents, rows, substitution, recording: true)
                kept[index].1 = nil
                recorded.tape.backward(from: recorded.images, gradient: self.backend.tensor(gradient.rows(rows)))
                guard let back = recorded.input.takeGradient() else {
                    throw Failure(.software, "no gradient came back to the latents", "report this defect")
                }
                parts.append(try self.backend.read(back))
            }
            return HostTensor.concatenate(parts)
        }
    }

    private func record(
        _ latents: Latents, _ rows: Range<Int>, _ substitution: LayerSubstitution?, recording: Bool
    ) throws -> Recorded {
        precondition(latents.space == .z)
        let z = latents.values.rows(rows)
        let tape = Tape(backend, recording: recording)
        let pass = Pass(tape, training: false)
        let input = Variable(backend.tensor(z.reshaped([rows.count, z.rowSize])), requiresGradient: recording)
        let noise = noiseSource(ids: latents.ids, Array(rows), view: latents.view)
        guard let substitution else {
            return Recorded(tape: tape, input: input, images: finishedImages(input, noise: noise, pass))
        }
        guard let styles = self as? any StyleSubstituting else {
            throw Failure(
                .usage, "\(specification.name) has no mapped latents to take layers from", "choose chunks instead")
        }
        let w = styles.substituted(
            input, substitution.layers, into: substitution.anchors.rows(rows), pass)
        return Recorded(tape: tape, input: input, images: finishedImages(w, space: .w, noise: noise, pass))
    }
}

private struct Recorded {
    let tape: Tape
    let input: Variable
    let images: Variable
}

private struct Block {
    let rows: Range<Int>
    let recorded: Recorded
}

/// A network with a w for every layer.
protocol StyleSubstituting {
    /// w [B, layers · width]: of the chosen layers that of z [B, d], of the others the anchors'.
    func substituted(_ z: Variable, _ layers: [Int], into anchors: HostTensor, _ pass: Pass) -> Variable
}

extension StyleGAN2: StyleSubstituting {
    func substituted(_ z: Variable, _ layers: [Int], into anchors: HostTensor, _ pass: Pass) -> Variable {
        let width = mapping.width
        let whole = mapping.forward(z, pass)
        let isTruncated = { (layer: Int) in self.mapping.isTruncating && self.mapping.truncatedLayers[layer] }
        var w = Variable(pass.backend.tensor(Self.clearing(layers, of: anchors)))
        for (source, chosen) in [
            (whole, layers.filter { !isTruncated($0) }),
            (layers.contains(where: isTruncated) ? mapping.truncated(whole, pass) : whole, layers.filter(isTruncated)),
        ] where !chosen.isEmpty {
            w = pass.addingColumns(source, to: w, at: chosen.map { $0 * width })
        }
        return w
    }

    /// F32 [B, layers, width] as [B, layers · width], the chosen layers zero.
    private static func clearing(_ layers: [Int], of w: HostTensor) -> HostTensor {
        let (count, size, width) = (w.rowCount, w.rowSize, w.shape[2])
        return HostTensor(.f32, shape: [count, size]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            w.withUnsafeElements(as: Float.self) { _ = target.update(from: $0) }
            for sample in 0..<count {
                for layer in layers {
                    let start = sample * size + layer * width
                    target[start..<start + width].update(repeating: 0)
                }
            }
        }
    }
}
