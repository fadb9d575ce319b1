import CKernels
import HLCompute
import HLNet
import HLTensor

/// The built-in generator: one of ten silhouettes before a patterned background, 6 chunks × 20. Chunk 0 decides the
/// class, the others pose, shape detail, background, palette, texture and light (`hl_shapes.h` has the model).
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

    /// Images that are rendered before they are rounded: their floats stay near the processor.
    private static let block = 256

    package func render(_ views: [Latents], pixels: PixelType) throws -> Tensor {
        let latents = HostTensor.concatenate(views.map(\.values)), count = latents.rowCount
        if pixels == .f32 || count <= Self.block { return finished(latents, pixels) }
        return backend.concatenate(
            stride(from: 0, to: count, by: Self.block).map { first in
                finished(latents.rows(first..<min(first + Self.block, count)), pixels)
            })
    }

    private func finished(_ latents: HostTensor, _ pixels: PixelType) -> Tensor {
        let images = images(of: latents)
        return pixels == .u8 ? backend.roundPixels(images) : images
    }

    /// F32 [B, 3, S, S].
    private func images(of latents: HostTensor) -> Tensor {
        let count = latents.rowCount, side = specification.resolution, clean: Int32 = specification.isClean ? 1 : 0
        let latentSize = latents.rowSize, imageSize = 3 * side * side
        return backend.tensor(.f32, shape: [count, 3, side, side]) { bytes in
            latents.withUnsafeElements(as: Float.self) { z in
                guard let z = z.baseAddress, let images = bytes.bindMemory(to: Float.self).baseAddress else { return }
                nonisolated(unsafe) let (source, target) = (z, images)
                inParallel(count, parts: backend.threads) { rows in
                    hl_shapes_render(
                        source + rows.lowerBound * latentSize, target + rows.lowerBound * imageSize,
                        Int32(rows.count), Int32(side), clean)
                }
            }
        }
    }

    /// The formula is computed on the host, both ways.
    package func images(
        _ z: Variable, ids: [Int64], view: Int, substituting substitution: LayerSubstitution?, _ pass: Pass
    ) throws -> Variable {
        guard substitution == nil else {
            throw Failure(.usage, "shapes has no mapped latents to take layers from", "choose chunks instead")
        }
        let latents = try backend.read(z.value), backend = backend
        return pass.tape.result(images(of: latents), from: [z]) { [z = z.sink] gradient in
            do {
                z.receive(self.gradient(latents, try backend.read(gradient)), backend)
            } catch {
                backend.fail(
                    error as? Failure ?? Failure(.software, "no gradient came back (\(error))", "report this defect"))
            }
        }
    }

    /// dL/dz [B, 120] from dL/dimages [B, 3, S, S].
    private func gradient(_ latents: HostTensor, _ imageGradient: HostTensor) -> Tensor {
        let count = latents.rowCount, side = specification.resolution, clean: Int32 = specification.isClean ? 1 : 0
        let rowSize = latents.rowSize, imageSize = 3 * side * side
        return backend.tensor(.f32, shape: [count, rowSize]) { bytes in
            latents.withUnsafeElements(as: Float.self) { z in
                imageGradient.withUnsafeElements(as: Float.self) { gradient in
                    guard let z = z.baseAddress, let gradient = gradient.baseAddress,
                        let target = bytes.bindMemory(to: Float.self).baseAddress
                    else { return }
                    nonisolated(unsafe) let (source, images, result) = (z, gradient, target)
                    inParallel(count, parts: backend.threads) { rows in
                        hl_shapes_gradient(
                            source + rows.lowerBound * rowSize, images + rows.lowerBound * imageSize,
                            result + rows.lowerBound * rowSize, Int32(rows.count), Int32(side), clean)
                    }
                }
            }
        }
    }
}

extension GeneratorSpecification {
    /// Whether shapes are rendered without defects, in the part of real data.
    package var isClean: Bool { own["clean"]?.bool ?? false }
}
