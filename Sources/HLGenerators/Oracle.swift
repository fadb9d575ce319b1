import HLTensor

/// A generator that knows the truth about its samples.
package protocol Oracle {
    /// Class labels I64 [B].
    func labels(of latents: HostTensor) -> HostTensor
}

/// An oracle that knows how far a latent may move before its class changes.
package protocol BoundaryOracle: Oracle {
    /// The chunk that alone decides the class. Moving the others changes it at no distance.
    var decidingChunk: Int { get }

    /// Labels of latents [B, n, m], and the Euclidean distance in the deciding chunk from each latent to the nearest
    /// point of another class.
    func classes(of latents: HostTensor) -> (labels: [Int32], boundaries: [Float])
}

/// An oracle that knows which samples come out defective.
package protocol DefectOracle: Oracle {
    /// Whether the generator's image of each latent F32 [B, n, m] is defective; nil for latents of another shape.
    func defects(of latents: HostTensor) -> [Bool]?
}
