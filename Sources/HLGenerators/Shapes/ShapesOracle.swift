import CKernels
import HLTensor

/// What is true of the samples of `shapes`, by their latents alone.
package struct ShapesOracle: Oracle {
    private let specification: GeneratorSpecification

    /// - Throws: `Failure(.incompatible)` when the specification is not that of this version's generator.
    package init(_ specification: GeneratorSpecification) throws {
        self.specification = try Shapes.checked(specification)
    }

    package func labels(of latents: HostTensor) -> HostTensor {
        HostTensor(truths(of: latents).map { Int64($0.label) }, shape: [latents.shape[0]])
    }

    /// The oracle's full answer for each latent [B, 6, 20].
    package func truths(of latents: HostTensor) -> [hl_shapes_truth] {
        let count = latents.shape[0]
        return [hl_shapes_truth](unsafeUninitializedCapacity: count) { truths, filled in
            latents.withUnsafeElements(as: Float.self) { z in
                if let z = z.baseAddress, let out = truths.baseAddress { hl_shapes_truth_of(z, Int32(count), out) }
            }
            filled = count
        }
    }
}

extension ShapesOracle: BoundaryOracle {
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

extension ShapesOracle: DefectOracle {
    /// None are in images that are rendered clean, whatever their latents say.
    package func defects(of latents: HostTensor) -> [Bool]? {
        let shape = [latents.rowCount, specification.chunks, specification.dimension]
        guard latents.type == .f32, latents.shape == shape else { return nil }
        return specification.isClean
            ? [Bool](repeating: false, count: latents.rowCount)
            : truths(of: latents).map { Int($0.defect) != HL_SHAPES_SOUND }
    }
}
