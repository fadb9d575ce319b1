import HLTensor

/// A generator whose synthesis takes mapped latents.
public protocol LatentMapper: AnyObject {
    /// The mapped latents w, F32 [B, layers, width], after truncation: what the synthesis takes.
    /// - Parameter z: F32 [B, 1, dimension].
    func map(_ z: HostTensor) throws -> HostTensor
}

/// Samples that are mapped at a time, however they come: the order of summation must not depend on their number.
public let mappingBlock = 64

extension LatentMapper {
    /// As `map`, in blocks of `mappingBlock` samples, the last one filled up with zeros.
    public func mapInBlocks(_ z: HostTensor) throws -> HostTensor {
        let count = z.rowCount, rest = count % mappingBlock
        if count == mappingBlock { return try map(z) }
        var parts: [HostTensor] = []
        for start in stride(from: 0, to: count - rest, by: mappingBlock) {
            parts.append(try map(z.rows(start..<start + mappingBlock)))
        }
        if rest > 0 || parts.isEmpty {
            let filling = HostTensor(.f32, shape: [mappingBlock - rest] + z.shape.dropFirst()) {
                _ = $0.initializeMemory(as: UInt8.self, repeating: 0)
            }
            let block = HostTensor.concatenate([z.rows(count - rest..<count), filling])
            parts.append(try map(block).rows(0..<rest))
        }
        return HostTensor.concatenate(parts)
    }
}

extension GeneratorSpecification {
    /// The generator's mapping network alone.
    /// - Parameter threads: threads in all.
    /// - Throws: `Failure`: incompatible for a generator without one, or where its weights are others than the
    ///   stream's; noInput where they are missing.
    public func makeMapper(threads: Int) throws -> any LatentMapper {
        guard name == "stylegan2" else {
            throw Failure(.incompatible, "\(name) has no mapped latents", "take a generator of StyleGAN2's kind")
        }
        return try loadingWeights(.styleGAN2, threads: threads) { file in
            try StyleGAN2Mapping(self, file: file, threads: threads)
        }
    }
}
