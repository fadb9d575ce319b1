import CKernels
import HLTensor

/// An oracle that knows how far a latent may move before its class changes.
package protocol BoundaryOracle: Oracle {
    /// The chunk that alone decides the class. Moving the others changes it at no distance.
    var decidingChunk: Int { get }

    /// Labels of latents [B, n, m], and the Euclidean distance in the deciding chunk from each latent to the nearest
    /// point of another class.
    func classes(of latents: HostTensor) -> (labels: [Int32], boundaries: [Float])
}

extension Shapes: BoundaryOracle {
    package var decidingChunk: Int { 0 }

    package func classes(of latents: HostTensor) -> (labels: [Int32], boundaries: [Float]) {
        let count = latents.rowCount
        precondition(Array(latents.shape.dropFirst()) == [specification.chunks, specification.dimension])
        var labels = [Int32](repeating: 0, count: count), boundaries = [Float](repeating: 0, count: count)
        latents.withUnsafeElements(as: Float.self) { z in
            if let z = z.baseAddress { hl_shapes_class_of(z, Int32(count), &labels, &boundaries) }
        }
        return (labels, boundaries)
    }
}
