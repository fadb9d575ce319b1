import HLTensor

/// An oracle that knows which samples come out defective.
package protocol DefectOracle: Oracle {
    /// Whether the generator's image of each latent F32 [B, n, m] is defective; nil for latents of another shape.
    func defects(of latents: HostTensor) -> [Bool]?
}
