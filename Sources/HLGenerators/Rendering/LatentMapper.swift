import HLCompute
import HLTensor

/// A generator whose synthesis takes mapped latents.
package protocol LatentMapper: AnyObject {
    /// The mapped latents w, F32 [B, layers, width], after truncation: what the synthesis takes. Those of a sample depend
    /// on no other.
    /// - Parameter z: F32 [B, 1, dimension].
    func map(_ z: HostTensor) throws -> HostTensor
}

/// Samples that are mapped at a time: their activations stay in cache.
package let mappingBlock = 64

extension LatentMapper {
    /// As `map`, in blocks of `mappingBlock` samples.
    package func mapInBlocks(_ z: HostTensor) throws -> HostTensor {
        let count = z.rowCount
        if count <= mappingBlock { return try map(z) }
        return HostTensor.concatenate(
            try stride(from: 0, to: count, by: mappingBlock).map { start in
                try map(z.rows(start..<min(start + mappingBlock, count)))
            })
    }
}

extension GeneratorSpecification {
    /// The generator's mapping network alone.
    /// - Parameter backend: what it computes on.
    /// - Throws: `Failure`: incompatible for a generator without one, or where its weights are others than the
    ///   stream's; noInput where they are missing.
    package func makeMapper(on backend: any Backend) throws -> any LatentMapper {
        guard name == "stylegan2" else {
            throw Failure(.incompatible, "\(name) has no mapped latents", "take a generator of StyleGAN2's kind")
        }
        return try loadingWeights(.styleGAN2, threads: backend.threads) { file in
            try StyleGAN2Mapping(self, file: file, backend: backend)
        }
    }
}
