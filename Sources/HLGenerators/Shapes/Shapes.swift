import CKernels
import HLCompute
import HLNet
import HLTensor

/// The built-in generator: one of ten silhouettes before a patterned background, 6 chunks × 20. Chunk 0 decides the
/// class, the others pose, shape detail, background, palette, texture and light (`hl_shapes_model.h`).
///
/// It satisfies the hierarchy by construction: it tests the tool, not the paper.
package final class Shapes: DifferentiableGenerator {
    static let name = "shapes"
    static let defaultResolution = 64
    /// The resolutions that it renders.
    static let sides = Int(HL_SHAPES_MIN_SIZE)...Int(HL_SHAPES_MAX_SIZE)
    package static let classNames = [
        "disc", "square", "triangle", "star", "cross", "ring", "crescent", "heart", "corner", "bar",
    ]

    package let specification: GeneratorSpecification
    package let backend: any Backend

    /// - Throws: `Failure(.incompatible)` when the specification is not that of this generator.
    package init(_ specification: GeneratorSpecification, on backend: any Backend) throws {
        self.specification = try Self.checked(specification)
        self.backend = backend
    }

    /// - Throws: `Failure(.incompatible)` when the specification is not that of this generator.
    static func checked(_ specification: GeneratorSpecification) throws -> GeneratorSpecification {
        let own = try Self.specification(resolution: specification.resolution, clean: specification.isClean)
        // A later version's header may have members that this one does not know.
        guard specification.replacingOwn(with: own.own) == own else {
            throw Failure(
                .incompatible, "the stream's generator shapes has other latents than this version's",
                "make the stream with this version of hl-sample")
        }
        return own
    }

    package static func specification(resolution: Int, clean: Bool) throws -> GeneratorSpecification {
        guard sides.contains(resolution) else {
            throw Failure(
                .usage, "shapes cannot be rendered at \(resolution) pixels",
                "take a size from \(sides.lowerBound) to \(sides.upperBound)")
        }
        return GeneratorSpecification(
            name: name, chunks: HL_SHAPES_CHUNKS, dimension: HL_SHAPES_CHUNK_SIZE, resolution: resolution,
            own: clean ? ["clean": true] : [:])
    }

    package func render(_ views: [Latents], pixels: PixelType) throws -> Tensor {
        let latents = HostTensor.concatenate(views.map(\.values))
        return backend.renderShapes(
            backend.tensor(latents), side: specification.resolution, clean: specification.isClean,
            as: pixels == .u8 ? .u8 : .f32)
    }

    package func images(
        _ z: Variable, ids: [Int64], view: Int, substituting substitution: LayerSubstitution?, _ pass: Pass
    ) throws -> Variable {
        guard substitution == nil else {
            throw Failure(.usage, "shapes has no mapped latents to take layers from", "choose chunks instead")
        }
        let backend = backend, latents = z.value, clean = specification.isClean
        let images = backend.renderShapes(latents, side: specification.resolution, clean: clean, as: .f32)
        return pass.tape.result(images, from: [z]) { [z = z.sink] gradient in
            z.receive(backend.renderShapesBackward(gradient, z: latents, clean: clean), backend)
        }
    }
}

extension GeneratorSpecification {
    /// Whether shapes are rendered without defects, in the part of real data.
    package var isClean: Bool { own["clean"]?.bool ?? false }
}
