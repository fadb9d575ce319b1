import HLCompute
import HLNet
import HLTensor

/// A generator that is a network on a backend, and that gradients go back through to its latents.
package protocol NetworkGenerator: DifferentiableGenerator {
    /// Side of what the network makes, before crop and resize.
    var networkSide: Int { get }

    /// Images 0…1, [B, 3, side, side], from latents [B, n · m] of a space.
    /// - Parameter noise: random noise images for a layer of so many pixels a side, where they are wanted.
    func images(_ latents: Variable, space: LatentSpace, noise: NoiseSource?, _ pass: Pass) -> Variable
}

/// A network with a w for every layer.
protocol LayerSubstituting {
    /// w [B, layers · width]: of the chosen layers that of z [B, d], of the others the anchors', of the same shape.
    func substituted(_ z: Variable, _ layers: [Int], into anchors: Tensor, _ pass: Pass) -> Variable
}

/// Noise images [B, side, side] of standard normal values for the layer of that number.
package typealias NoiseSource = (_ layer: Int, _ side: Int) -> Tensor

extension NetworkGenerator {
    /// Images as the specification wants them, cropped and resized, with a way back to the latents.
    package func finishedImages(
        _ latents: Variable, space: LatentSpace = .z, noise: NoiseSource? = nil, _ pass: Pass
    ) -> Variable {
        let raw = images(latents, space: space, noise: noise, pass)
        guard let taps = specification.rendering.taps(of: networkSide) else { return raw }
        return pass.resample(raw, taps)
    }

    package func render(_ views: [Latents], pixels: PixelType) throws -> Tensor {
        let (rows, space) = try settled(views), count = rows.rowCount
        // Always so many: the kernels, and so the order of summation, depend on it.
        let size = backend.renderBatch(side: networkSide)
        let origins = views.flatMap { latents in latents.ids.integers.map { (id: $0, view: latents.view) } }
        if count == 0 {
            let none = backend.constant(0, shape: [0, 3, specification.resolution, specification.resolution])
            return pixels == .u8 ? backend.roundPixels(none) : none
        }
        var parts: [Tensor] = []
        for first in stride(from: 0, to: count, by: size) {
            // The last sample stands in for those that are missing.
            let chosen = (first..<first + size).map { min($0, count - 1) }
            let pass = Pass(
                Tape(backend, recording: false), training: false, precision: specification.rendering.precision)
            let input = Variable(backend.tensor(rows.gather(chosen)))
            let noise = noiseSource(chosen.map { origins[$0] })
            let images = finishedImages(input, space: space, noise: noise, pass).value
            let part = size > count - first ? backend.rows(images, 0..<count - first) : images
            parts.append(pixels == .u8 ? backend.roundPixels(part) : part)
        }
        return parts.count == 1 ? parts[0] : backend.concatenate(parts)
    }

    /// The latents of all views, F32 [B, n · m], in the space that the network takes.
    private func settled(_ views: [Latents]) throws -> (rows: HostTensor, space: LatentSpace) {
        let mapper = self as? any LatentMapper
        let parts = try views.map { latents in
            // As a program that only maps does it, so that z and the w made from it give the same pixels.
            let mapped = latents.space == .z ? try mapper?.map(latents.values) : nil
            let values = mapped ?? latents.values
            return values.reshaped([values.rowCount, values.rowSize])
        }
        return (HostTensor.concatenate(parts), mapper == nil ? .z : .w)
    }

    /// Random noise images where the specification asks for them, each from its seed, sample, view and layer alone.
    func noiseSource(_ origins: [(id: Int64, view: Int)]) -> NoiseSource? {
        guard specification.rendering.noise == .random else { return nil }
        let seed = specification.rendering.noiseSeed, backend = backend
        return { layer, side in
            let sequences = origins.map { origin in
                RandomKey(seed: seed, purpose: .noiseImage, view: origin.view, group: layer).sequence(id: origin.id)
            }
            return backend.reshaped(
                backend.normals(sequences, count: side * side), [origins.count, side, side])
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
