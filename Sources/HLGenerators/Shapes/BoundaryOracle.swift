import HLTensor

/// An oracle that knows how far a latent may move before its class changes.
package protocol BoundaryOracle: Oracle {
    /// The chunk that alone decides the class. Moving the others changes it at no distance.
    var decidingChunk: Int { get }

    /// Labels of latents [B, n, m], and the Euclidean distance in the deciding chunk from each latent to the nearest
    /// point of another class.
    func classes(of latents: HostTensor) -> (labels: [Int32], boundaries: [Float])
}
