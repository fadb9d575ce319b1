import CCUDA
import HLTensor

/// The built-in generator `shapes`, drawn where its images are needed. Its pixels are those of the processor.
extension CUDABackend {
    package func renderShapes(_ z: Tensor, side: Int, clean: Bool, as type: ElementType) -> Tensor {
        requireShapes(z, side: side)
        precondition(type == .f32 || type == .u8, "images of \(type.rawValue)")
        let count = z.shape[0], result = allocate([count, 3, side, side], type: type)
        guard count > 0 else { return result }
        let scenes = scenes(of: z, side: side, clean: clean)
        withExtendedLifetime(scenes) {
            launch(
                hl_kernel_shapes_render, .over(count * side * side),
                hl_cuda_shapes_render(
                    scenes: scenes.f32, y: result.cuda.address, count: UInt32(kernel: count * side * side),
                    side: UInt32(kernel: side), bytes: type == .u8 ? 1 : 0))
        }
        return result
    }

    package func renderShapesBackward(_ gradient: Tensor, z: Tensor, clean: Bool) -> Tensor {
        let count = z.shape[0], side = gradient.shape[3], result = like(z)
        requireShapes(z, side: side)
        precondition(gradient.type == .f32 && gradient.shape == [count, 3, side, side])
        guard count > 0 else { return result }
        // How many parts an image has depends on its side alone, and so do the bits of a gradient.
        let parts = (side * side + Int(HL_CUDA_SHAPES_PART) - 1) / Int(HL_CUDA_SHAPES_PART)
        let scenes = scenes(of: z, side: side, clean: clean)
        let sums = allocate([count, parts, Int(HL_CUDA_SHAPES_SUMS)])
        withExtendedLifetime((scenes, sums)) {
            launch(
                hl_kernel_shapes_sums, Grid(count * parts),
                hl_cuda_shapes_sums(
                    scenes: scenes.f32, gradient: gradient.f32, sums: sums.f32, side: UInt32(kernel: side),
                    parts: UInt32(kernel: parts)))
            launch(
                hl_kernel_shapes_gradient, Grid(count),
                hl_cuda_shapes_gradient(
                    z: z.f32, scenes: scenes.f32, sums: sums.f32, y: result.f32, parts: UInt32(kernel: parts)))
        }
        return result
    }

    /// What the latents describe, as kernels draw it.
    private func scenes(of z: Tensor, side: Int, clean: Bool) -> Tensor {
        let scenes = allocate([z.shape[0], Int(HL_CUDA_SHAPES_SCENE)])
        launch(
            hl_kernel_shapes_scenes, Grid(z.shape[0]),
            hl_cuda_shapes_scenes(z: z.f32, scenes: scenes.f32, side: UInt32(kernel: side), clean: clean ? 1 : 0))
        return scenes
    }
}
