import CKernels
import HLTensor

/// The built-in generator `shapes`, a formula of our own (`hl_shapes_model.h`), on the host with all threads.
extension Backend {
    /// Images that are rendered before they are rounded: their floats stay near the processor.
    private var roundedAtATime: Int { 256 }

    package func renderShapes(_ z: Tensor, side: Int, clean: Bool, as type: ElementType) -> Tensor {
        requireShapes(z, side: side)
        precondition(type == .f32 || type == .u8, "images of \(type.rawValue)")
        let latents = onHost(z), count = latents.rowCount
        guard type == .u8 else { return shapes(latents, side, clean) }
        let parts = stride(from: 0, to: max(1, count), by: roundedAtATime).map { first in
            roundPixels(shapes(latents.rows(first..<min(first + roundedAtATime, count)), side, clean))
        }
        return parts.count == 1 ? parts[0] : concatenate(parts)
    }

    /// F32 [B, 3, S, S].
    private func shapes(_ latents: HostTensor, _ side: Int, _ clean: Bool) -> Tensor {
        let count = latents.rowCount, latentSize = latents.rowSize, imageSize = 3 * side * side
        return tensor(.f32, shape: [count, 3, side, side]) { bytes in
            latents.withUnsafeElements(as: Float.self) { z in
                guard let z = z.baseAddress, let images = bytes.bindMemory(to: Float.self).baseAddress else { return }
                nonisolated(unsafe) let (source, target) = (z, images)
                inParallel(count, parts: threads) { rows in
                    hl_shapes_render(
                        source + rows.lowerBound * latentSize, target + rows.lowerBound * imageSize,
                        Int32(rows.count), Int32(side), clean ? 1 : 0)
                }
            }
        }
    }

    package func renderShapesBackward(_ gradient: Tensor, z: Tensor, clean: Bool) -> Tensor {
        let side = gradient.shape[3]
        requireShapes(z, side: side)
        precondition(gradient.shape == [z.shape[0], 3, side, side])
        let latents = onHost(z), images = onHost(gradient)
        let count = latents.rowCount, latentSize = latents.rowSize, imageSize = 3 * side * side
        return tensor(.f32, shape: z.shape) { bytes in
            latents.withUnsafeElements(as: Float.self) { z in
                images.withUnsafeElements(as: Float.self) { gradient in
                    guard let z = z.baseAddress, let gradient = gradient.baseAddress,
                        let target = bytes.bindMemory(to: Float.self).baseAddress
                    else { return }
                    nonisolated(unsafe) let (source, images, result) = (z, gradient, target)
                    inParallel(count, parts: threads) { rows in
                        hl_shapes_gradient(
                            source + rows.lowerBound * latentSize, images + rows.lowerBound * imageSize,
                            result + rows.lowerBound * latentSize, Int32(rows.count), Int32(side), clean ? 1 : 0)
                    }
                }
            }
        }
    }

    /// What both ways take.
    func requireShapes(_ z: Tensor, side: Int) {
        precondition(z.type == .f32 && z.shape.dropFirst().reduce(1, *) == HL_SHAPES_CHUNKS * HL_SHAPES_CHUNK_SIZE)
        precondition((HL_SHAPES_MIN_SIZE...HL_SHAPES_MAX_SIZE).contains(side), "shapes of \(side) pixels")
    }
}
