import CKernels
import HLTensor

/// Pixels by way of the host, one thread: what a device replaces first.
extension Backend {
    package func roundPixels(_ x: Tensor) -> Tensor {
        let host = onHost(x)
        return tensor(.u8, shape: x.shape) { bytes in
            host.withUnsafeElements(as: Float.self) { values in
                if let source = values.baseAddress, let target = bytes.bindMemory(to: UInt8.self).baseAddress {
                    hl_round_pixels(source, target, values.count)
                }
            }
        }
    }

    package func augment(
        _ images: Tensor, _ parameters: [AugmentationParameters], size: Int, mean: [Float], deviation: [Float]
    ) -> Tensor {
        let host = onHost(images), count = images.shape[0]
        var status: Int32 = 0
        let result = tensor(.f32, shape: [count, 3, size, size]) { bytes in
            host.withUnsafeBytes { pixels in
                status = hl_augment(
                    pixels.baseAddress, images.type == .u8 ? 1 : 0, Int32(images.shape[2]), Int32(images.shape[3]), 0,
                    Int32(count), parameters, mean, deviation, Int32(size), bytes.bindMemory(to: Float.self).baseAddress
                )
            }
        }
        if status != 0 { fail(Memory.failure(for: "augmentation")) }
        return result
    }

    package func augmentBackward(
        _ gradient: Tensor, _ parameters: [AugmentationParameters], imageShape: [Int], deviation: [Float]
    ) -> Tensor {
        let host = onHost(gradient).floats, size = gradient.shape[2], (height, width) = (imageShape[2], imageShape[3])
        var values = [Float](repeating: 0, count: imageShape.reduce(1, *))
        for plane in 0..<3 * imageShape[0] {
            let box = parameters[plane / 3], scale = 1 / deviation[plane % 3]
            for y in 0..<size {
                for x in 0..<size {
                    values[(plane * height + Int(box.top) + y) * width + Int(box.left) + x] =
                        host[(plane * size + y) * size + x] * scale
                }
            }
        }
        return tensor(HostTensor(values, shape: imageShape))
    }

    package func augmentDifferentiably(_ images: Tensor, _ parameters: [DifferentiableAugmentation]) -> Tensor {
        let host = onHost(images), side = images.shape[3]
        precondition(parameters.count == images.shape[0] && parameters.allSatisfy { $0.fits(side: side) })
        return tensor(.f32, shape: images.shape) { bytes in
            host.withUnsafeBytes { pixels in
                hl_diff_augment(
                    pixels.baseAddress, images.type == .u8 ? 1 : 0, Int32(side), 0, Int32(parameters.count), parameters,
                    bytes.bindMemory(to: Float.self).baseAddress)
            }
        }
    }

    package func augmentDifferentiablyBackward(
        _ gradient: Tensor, _ parameters: [DifferentiableAugmentation]
    ) -> Tensor {
        let host = onHost(gradient), side = gradient.shape[3]
        return tensor(.f32, shape: gradient.shape) { bytes in
            host.withUnsafeElements(as: Float.self) { values in
                hl_diff_augment_backward(
                    values.baseAddress, Int32(side), 0, Int32(parameters.count), parameters,
                    bytes.bindMemory(to: Float.self).baseAddress)
            }
        }
    }
}
