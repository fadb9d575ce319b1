import HLCompute
import HLTensor

/// A generator, or a part of one, that maps latents z to those that the synthesis takes.
package protocol LatentMapper: AnyObject {
    /// What it maps on.
    var backend: any Backend { get }

    /// The shape of w.
    var mappedShape: LatentShape { get }

    /// The mapped latents w, [B, layers · width], after truncation: what the synthesis takes. Those of a sample depend on
    /// no other.
    /// - Parameter z: [B, dimension].
    func mapped(_ z: Tensor) -> Tensor
}

/// Samples that are mapped at a time: their activations stay in cache.
package let mappingBlock = 64

extension LatentMapper {
    /// The mapped latents w, F32 [B, layers, width], of z, F32 [B, 1, dimension], in blocks of `mappingBlock` samples.
    package func map(_ z: HostTensor) throws -> HostTensor {
        let rows = z.reshaped([z.rowCount, z.rowSize])
        let parts = try stride(from: 0, to: max(1, z.rowCount), by: mappingBlock).map { start in
            try backend.read(mapped(backend.tensor(rows.rows(start..<min(start + mappingBlock, z.rowCount)))))
        }
        return HostTensor.concatenate(parts).reshaped([z.rowCount, mappedShape.chunks, mappedShape.dimension])
    }
}
