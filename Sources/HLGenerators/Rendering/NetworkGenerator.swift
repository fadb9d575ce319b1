import Glibc
import HLCompute
import HLNet
import HLTensor

/// A generator that is a network on a backend, and that gradients go back through to its latents.
package protocol NetworkGenerator: DifferentiableGenerator {
    var backend: any Backend { get }

    /// Side of what the network makes, before crop and resize.
    var networkSide: Int { get }

    /// Images 0…1, [B, 3, side, side], from latents [B, n · m] of a space.
    /// - Parameter noise: random noise images for a layer of so many pixels a side, where they are wanted.
    func images(_ latents: Variable, space: LatentSpace, noise: NoiseSource?, _ pass: Pass) -> Variable
}

/// Noise images [B, side, side] of standard normal values for the layer of that number.
package typealias NoiseSource = (_ layer: Int, _ side: Int) -> HostTensor

extension NetworkGenerator {
    /// Samples that are rendered at a time, always so many: the kernels, and so the order of summation, depend on it.
    /// It keeps the largest activations near a hundred megabytes.
    package var microBatch: Int { max(1, min(16, 1024 / networkSide)) }

    /// Images as the specification wants them, cropped and resized, with a way back to the latents.
    package func finishedImages(
        _ latents: Variable, space: LatentSpace = .z, noise: NoiseSource? = nil, _ pass: Pass
    ) -> Variable {
        let raw = images(latents, space: space, noise: noise, pass)
        guard let taps = specification.rendering.taps(of: networkSide) else { return raw }
        return pass.resample(raw, taps)
    }

    package func render(_ latents: Latents) throws -> HostTensor {
        let count = latents.values.rowCount, side = specification.resolution, size = microBatch
        if count == 0 { return HostTensor(.f32, shape: [0, 3, side, side]) { _ in } }
        var (values, space) = (latents.values, latents.space)
        if space == .z, let mapper = self as? any LatentMapper {
            // As a program that only maps does it, so that z and the w made from it give the same pixels.
            (values, space) = (try mapper.mapInBlocks(values), .w)
        }
        let rows = values.reshaped([count, values.rowSize])
        var parts: [HostTensor] = []
        for first in stride(from: 0, to: count, by: size) {
            // The last sample stands in for those that are missing.
            let chosen = (first..<first + size).map { min($0, count - 1) }
            let pass = Pass(Tape(backend, recording: false), training: false)
            let input = Variable(backend.tensor(rows.gather(chosen)))
            let noise = noiseSource(ids: latents.ids, chosen, view: latents.view)
            let images = finishedImages(input, space: space, noise: noise, pass)
            parts.append(try backend.read(images.value).rows(0..<min(size, count - first)))
        }
        return HostTensor.concatenate(parts)
    }

    /// Random noise images where the specification asks for them, each from its seed, sample, view and layer alone.
    func noiseSource(ids: HostTensor, _ chosen: [Int], view: Int) -> NoiseSource? {
        guard specification.rendering.noise == .random else { return nil }
        let seed = specification.rendering.noiseSeed, ids = ids.gather(chosen).integers
        return { layer, side in
            let key = RandomKey(seed: seed, purpose: .noiseImage, view: view, group: layer)
            var values: [Float] = []
            values.reserveCapacity(ids.count * side * side)
            for id in ids { values += key.sequence(id: id).normals(side * side) }
            return HostTensor(values, shape: [ids.count, side, side])
        }
    }
}

extension RenderingSettings {
    /// Crop and resize in one linear map along each side; nil where the images stay as they are.
    func taps(of side: Int) -> ResampleTaps? {
        guard crop != nil || size != nil else { return nil }
        let cropped = crop ?? side
        let cut = ResampleTaps.centreCrop(of: side, to: cropped)
        guard let size, size != cropped else { return cut }
        return cut.followed(by: .bilinear(from: cropped, to: size, antialias: filter == .antialias))
    }
}

extension RandomSequence {
    /// Standard normal values (Box and Muller 1958).
    func normals(_ count: Int) -> [Float] {
        var sequence = self
        var values: [Float] = []
        values.reserveCapacity(count + 1)
        while values.count < count {
            // 1 − u is never 0.
            let radius = (-2 * log(1 - Double(sequence.uniform()))).squareRoot()
            let angle = 2 * Double.pi * Double(sequence.uniform())
            values.append(Float(radius * cos(angle)))
            values.append(Float(radius * sin(angle)))
        }
        return Array(values.prefix(count))
    }
}
