import CKernels
import Dispatch
import HLTensor

/// The built-in generator: one of ten silhouettes before a patterned background, 6 chunks × 20. Chunk 0 decides the
/// class, the others pose, shape detail, background, palette, texture and light (`hl_shapes.h` has the model).
///
/// It satisfies the hierarchy by construction: it tests the tool, not the paper.
package final class Shapes: DifferentiableGenerator, Oracle {
    package static let defaultResolution = 64
    package static let classNames = [
        "disc", "square", "triangle", "star", "cross", "ring", "crescent", "heart", "corner", "bar",
    ]

    package let specification: GeneratorSpecification
    private let threads: Int

    /// - Throws: `Failure(.incompatible)` when the specification is not that of this generator.
    package init(_ specification: GeneratorSpecification, threads: Int) throws {
        let own = try Self.specification(resolution: specification.resolution, clean: specification.isClean)
        guard specification == own else {
            throw Failure(
                .incompatible, "the stream's generator shapes has other latents than this version's",
                "make the stream with this version of hl-sample")
        }
        self.specification = own
        self.threads = max(1, threads)
    }

    package static func specification(resolution: Int, clean: Bool) throws -> GeneratorSpecification {
        let range = HL_SHAPES_MIN_SIZE...HL_SHAPES_MAX_SIZE
        guard resolution > 0, range.contains(resolution) else {
            throw Failure(
                .usage, "shapes cannot be rendered at \(resolution) pixels",
                "take a size from \(range.lowerBound) to \(range.upperBound)")
        }
        return GeneratorSpecification(
            name: "shapes", chunks: HL_SHAPES_CHUNKS, dimension: HL_SHAPES_CHUNK_SIZE,
            resolution: resolution, isClean: clean)
    }

    package func render(_ latents: Latents) throws -> HostTensor {
        let values = latents.values
        let count = values.shape[0], side = specification.resolution
        let latentSize = values.rowSize, imageSize = 3 * side * side
        return HostTensor(.f32, shape: [count, 3, side, side]) { bytes in
            values.withUnsafeElements(as: Float.self) { z in
                guard let z = z.baseAddress, let images = bytes.bindMemory(to: Float.self).baseAddress else { return }
                nonisolated(unsafe) let source = z
                nonisolated(unsafe) let target = images
                let clean: Int32 = specification.isClean ? 1 : 0
                let parts = min(threads, count)
                DispatchQueue.concurrentPerform(iterations: parts) { part in
                    let first = count * part / parts, last = count * (part + 1) / parts
                    hl_shapes_render(
                        source + first * latentSize, target + first * imageSize, Int32(last - first), Int32(side), clean)
                }
            }
        }
    }

    package func differentiableImages(
        _ latents: Latents, substituting substitution: LayerSubstitution?
    ) throws -> DifferentiableImages {
        guard substitution == nil else {
            throw Failure(.usage, "shapes has no mapped latents to take layers from", "choose chunks instead")
        }
        return DifferentiableImages(images: try render(latents)) { self.gradient(latents.values, $0) }
    }

    /// dL/dz [B, 120] from dL/dimages [B, 3, S, S].
    private func gradient(_ latents: HostTensor, _ imageGradient: HostTensor) -> HostTensor {
        let count = latents.rowCount, side = specification.resolution, clean: Int32 = specification.isClean ? 1 : 0
        return HostTensor(.f32, shape: [count, latents.rowSize]) { bytes in
            latents.withUnsafeElements(as: Float.self) { z in
                imageGradient.withUnsafeElements(as: Float.self) { gradient in
                    guard let z = z.baseAddress, let gradient = gradient.baseAddress,
                        let target = bytes.bindMemory(to: Float.self).baseAddress
                    else { return }
                    nonisolated(unsafe) let (source, images, result) = (z, gradient, target)
                    let parts = min(threads, count), rowSize = latents.rowSize, imageSize = 3 * side * side
                    DispatchQueue.concurrentPerform(iterations: parts) { part in
                        let first = count * part / parts, last = count * (part + 1) / parts
                        hl_shapes_gradient(
                            source + first * rowSize, images + first * imageSize, result + first * rowSize,
                            Int32(last - first), Int32(side), clean)
                    }
                }
            }
        }
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
