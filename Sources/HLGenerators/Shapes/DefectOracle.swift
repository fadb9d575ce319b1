import CKernels
import HLTensor

/// An oracle that knows which samples come out defective.
package protocol DefectOracle: Oracle {
    /// Whether the generator's image of each latent F32 [B, n, m] is defective; nil for latents of another shape.
    func defects(of latents: HostTensor) -> [Bool]?
}

extension Shapes: DefectOracle {
    /// None are in images that are rendered clean, whatever their latents say.
    package func defects(of latents: HostTensor) -> [Bool]? {
        let shape = [latents.rowCount, specification.chunks, specification.dimension]
        guard latents.type == .f32, latents.shape == shape else { return nil }
        return specification.isClean
            ? [Bool](repeating: false, count: latents.rowCount)
            : truths(of: latents).map { Int($0.defect) != HL_SHAPES_SOUND }
    }
}
