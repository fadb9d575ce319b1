import CCUDA
import Glibc
import HLTensor

/// Pixels, and what is done to images before a network sees them. Images lie channels last here; what is drawn for each
/// comes from the host.
extension CUDABackend {
    package func roundPixels(_ x: Tensor) -> Tensor {
        let result = allocate(x.shape, type: .u8)
        launch(
            hl_kernel_round_pixels, .over((x.elementCount + 3) / 4),
            hl_cuda_round_pixels(x: x.f32, y: result.u8, count: x.count32))
        return result
    }

    // MARK: T_x

    package func augment(
        _ images: Tensor, _ parameters: [AugmentationParameters], size: Int, mean: [Float], deviation: [Float]
    ) -> Tensor {
        let count = images.shape[0], (height, width) = (images.shape[2], images.shape[3])
        precondition(images.type == .u8 || images.type == .f32, "images of \(images.type.rawValue)")
        precondition(parameters.count == count && mean.count == 3 && deviation.count == 3)
        precondition(parameters.allSatisfy { $0.fits(height: height, width: width, size: size) })
        let result = allocate([count, 3, size, size])
        guard count > 0 else { return result }
        let contrasted = parameters.indices.filter { parameters[$0].colour && parameters[$0].contrast != 1 }
        let blurred = parameters.indices.filter { parameters[$0].blur_radius > 0 }
        let pieces = (size * size + Int(HL_CUDA_AUGMENT_PIECE) - 1) / Int(HL_CUDA_AUGMENT_PIECE)
        // What a launch reads is held until it has been enqueued: freed memory is taken again at once.
        let table = uploaded(parameters), numbers = uploaded((contrasted + blurred).map { Int32($0) })
        let lumas = contrasted.isEmpty ? nil : allocate([count * pieces, 2])
        withExtendedLifetime((table, numbers, lumas)) {
            let chosen = numbers.structures(Int32.self)
            let to = hl_cuda_augmented(
                y: result.f32, parameters: table.structures(), size: UInt32(kernel: size),
                pieces: UInt32(kernel: pieces),
                mean: (mean[0], mean[1], mean[2]), scale: Self.scale(deviation))
            launch(
                hl_kernel_augment_crop, Grid(count * pieces),
                hl_cuda_augment_crop(
                    to: to, x: images.cuda.address, lumas: lumas?.structures(), height: UInt32(kernel: height),
                    width: UInt32(kernel: width), bytes: images.type == .u8 ? 1 : 0))
            if let lumas {
                launch(
                    hl_kernel_augment_contrast, Grid(contrasted.count * pieces),
                    hl_cuda_augment_contrast(to: to, lumas: lumas.structures(), images: chosen))
            }
            if !blurred.isEmpty {
                blur(to, blurred.map { parameters[$0] }, numbers: chosen + contrasted.count)
            }
        }
        return result
    }

    /// Blurs and normalises those images of a batch whose numbers and parameters these are.
    private func blur(
        _ to: hl_cuda_augmented, _ parameters: [AugmentationParameters], numbers: UnsafePointer<Int32>
    ) {
        let stride = 2 * Int(parameters.map(\.blur_radius).max() ?? 0) + 1
        let kernels = parameters.flatMap { drawn -> [Float] in
            let taps = Self.gaussianTaps(radius: Int(drawn.blur_radius), sigma: Double(drawn.blur_sigma))
            return taps + [Float](repeating: 0, count: stride - taps.count)
        }
        let size = Int(to.size), grid = Grid(parameters.count * Int(to.pieces))
        let taps = uploaded(kernels), between = allocate([parameters.count, 3, size, size])
        withExtendedLifetime((taps, between)) {
            launch(
                hl_kernel_augment_blur_columns, grid,
                hl_cuda_augment_blur_columns(
                    to: to, x: between.f32, images: numbers, taps: taps.structures(),
                    taps_stride: UInt32(kernel: stride)))
            launch(
                hl_kernel_augment_blur_rows, grid,
                hl_cuda_augment_blur_rows(
                    to: to, x: between.f32, images: numbers, taps: taps.structures(),
                    taps_stride: UInt32(kernel: stride)))
        }
    }

    /// The 2 · radius + 1 taps of a Gaussian of standard deviation sigma, which add up to 1: those of the CPU.
    private static func gaussianTaps(radius: Int, sigma: Double) -> [Float] {
        let heights = (-radius...radius).map { k in exp(-0.5 * (Double(k) / sigma) * (Double(k) / sigma)) }
        let total = heights.reduce(0, +)
        return heights.map { Float($0 / total) }
    }

    private static func scale(_ deviation: [Float]) -> (Float, Float, Float) {
        (1 / deviation[0], 1 / deviation[1], 1 / deviation[2])
    }

    package func augmentBackward(
        _ gradient: Tensor, _ parameters: [AugmentationParameters], imageShape: [Int], deviation: [Float]
    ) -> Tensor {
        let size = gradient.shape[2], result = allocate(imageShape), table = uploaded(parameters)
        precondition(parameters.count == imageShape[0] && parameters.allSatisfy { $0.onlyCrops(to: size) })
        withExtendedLifetime(table) {
            launch(
                hl_kernel_augment_backward, .over(result.elementCount),
                hl_cuda_augment_backward(
                    x: result.f32, y: gradient.f32, parameters: table.structures(), count: result.count32,
                    height: UInt32(kernel: imageShape[2]), width: UInt32(kernel: imageShape[3]),
                    size: UInt32(kernel: size), scale: Self.scale(deviation)))
        }
        return result
    }

    // MARK: Differentiable augmentation

    package func augmentDifferentiably(_ images: Tensor, _ parameters: [DifferentiableAugmentation]) -> Tensor {
        let side = images.shape[3]
        precondition(images.type == .u8 || images.type == .f32, "images of \(images.type.rawValue)")
        precondition(images.shape == [parameters.count, 3, side, side])
        precondition(parameters.allSatisfy { $0.fits(side: side) })
        return changed(images, parameters, isBackward: false)
    }

    package func augmentDifferentiablyBackward(
        _ gradient: Tensor, _ parameters: [DifferentiableAugmentation]
    ) -> Tensor {
        precondition(gradient.type == .f32 && gradient.shape[0] == parameters.count)
        return changed(gradient, parameters, isBackward: true)
    }

    private func changed(
        _ x: Tensor, _ parameters: [DifferentiableAugmentation], isBackward: Bool
    ) -> Tensor {
        let count = parameters.count, side = x.shape[3], result = allocate(x.shape), table = uploaded(parameters)
        guard count > 0 else { return result }
        // Only colours need to know of the whole image.
        let recolours = parameters.contains {
            !isBackward && $0.brightness != 0 || $0.saturation != 1 || $0.contrast != 1
        }
        let sums = recolours ? allocate([count, side, 3]) : nil
        let pieces = (side * side + Int(HL_CUDA_DIFFERENTIABLE_PIECE) - 1) / Int(HL_CUDA_DIFFERENTIABLE_PIECE)
        withExtendedLifetime((table, sums)) {
            let images = hl_cuda_differentiable_images(
                x: x.cuda.address, parameters: table.structures(), batch: UInt32(kernel: count),
                side: UInt32(kernel: side),
                bytes: x.type == .u8 ? 1 : 0, backward: isBackward ? 1 : 0)
            if let sums {
                launch(
                    hl_kernel_differentiable_sums, .over(sums.elementCount),
                    hl_cuda_differentiable_sums(images: images, sums: sums.f32))
            }
            launch(
                hl_kernel_differentiable_mix, Grid(count * pieces),
                hl_cuda_differentiable_mix(
                    images: images, sums: sums?.f32, y: result.f32, pieces: UInt32(kernel: pieces)))
        }
        return result
    }
}

extension Tensor {
    /// The address of what `CUDABackend.uploaded` made, as kernels take it.
    func structures<Value>(_ type: Value.Type = Value.self) -> UnsafeMutablePointer<Value> {
        cuda.address.assumingMemoryBound(to: Value.self)
    }
}
