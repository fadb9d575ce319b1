import CKernels
import HLTensor

extension CPUBackend {
    package func roundPixels(_ x: Tensor) -> Tensor {
        let x = plain(x), result = allocate(x.shape, type: .u8)
        forEachElement(x) { hl_round_pixels(x.floats + $0, result.cpu.bytes + $0, $1) }
        return result
    }

    package func augment(
        _ images: Tensor, _ parameters: [AugmentationParameters], size: Int, mean: [Float], deviation: [Float]
    ) -> Tensor {
        let count = images.shape[0], (height, width) = (images.shape[2], images.shape[3])
        precondition(images.type == .u8 || images.type == .f32, "images of \(images.type.rawValue)")
        precondition(parameters.count == count && mean.count == 3 && deviation.count == 3)
        precondition(parameters.allSatisfy { $0.fits(height: height, width: width, size: size) })
        let images = plain(images), result = allocate([count, 3, size, size])
        let isBytes: Int32 = images.type == .u8 ? 1 : 0
        var statuses = [Int32](repeating: 0, count: count)
        statuses.withUnsafeMutableBufferPointer { statuses in
            // Every part writes the status of its own first image.
            nonisolated(unsafe) let statuses = statuses
            parallel(count) { part in
                statuses[part.lowerBound] = hl_augment(
                    images.cpu.bytes, isBytes, Int32(height), Int32(width), Int32(part.lowerBound),
                    Int32(part.upperBound), parameters, mean, deviation, Int32(size), result.floats)
            }
        }
        if statuses.contains(where: { $0 != 0 }) {
            fail(Memory.failure(for: "augmentation"))
        }
        return result
    }

    package func augmentBackward(
        _ gradient: Tensor, _ parameters: [AugmentationParameters], imageShape: [Int], deviation: [Float]
    ) -> Tensor {
        let gradient = plain(gradient), size = gradient.shape[2], (height, width) = (imageShape[2], imageShape[3])
        precondition(parameters.count == imageShape[0] && parameters.allSatisfy { $0.onlyCrops(to: size) })
        let result = constant(0, shape: imageShape)
        parallel(3 * imageShape[0]) { planes in
            for plane in planes {
                let box = parameters[plane / 3], scale = 1 / deviation[plane % 3]
                for y in 0..<size {
                    hl_scale(
                        scale, gradient.floats + (plane * size + y) * size,
                        result.floats + (plane * height + Int(box.top) + y) * width + Int(box.left), size)
                }
            }
        }
        return result
    }

    package func augmentDifferentiably(_ images: Tensor, _ parameters: [DifferentiableAugmentation]) -> Tensor {
        let side = images.shape[3], images = plain(images), result = allocate(images.shape)
        precondition(images.type == .u8 || images.type == .f32, "images of \(images.type.rawValue)")
        precondition(images.shape == [parameters.count, 3, side, side])
        precondition(parameters.allSatisfy { $0.fits(side: side) })
        let isBytes: Int32 = images.type == .u8 ? 1 : 0
        parallel(parameters.count, grain: max(1, Self.elementGrain / (3 * side * side))) {
            hl_diff_augment(
                images.cpu.bytes, isBytes, Int32(side), Int32($0.lowerBound), Int32($0.upperBound), parameters,
                result.floats)
        }
        return result
    }

    package func augmentDifferentiablyBackward(
        _ gradient: Tensor, _ parameters: [DifferentiableAugmentation]
    ) -> Tensor {
        let side = gradient.shape[3], gradient = plain(gradient), result = allocate(gradient.shape)
        parallel(parameters.count, grain: max(1, Self.elementGrain / (3 * side * side))) {
            hl_diff_augment_backward(
                gradient.floats, Int32(side), Int32($0.lowerBound), Int32($0.upperBound), parameters, result.floats)
        }
        return result
    }

    package func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape && a.shape[0] > 0)
        let (a, b) = (plain(a), plain(b)), size = a.elementCount / a.shape[0], result = allocate([a.shape[0]])
        parallel(a.shape[0], grain: max(1, Self.elementGrain / max(1, size))) { rows in
            for row in rows {
                let (a, b) = (a.floats + row * size, b.floats + row * size)
                // Sums of a part in Float keep the loop vectorised.
                let sum = stride(from: 0, to: size, by: 1024).reduce(0.0) { total, start in
                    var part: Float = 0
                    for i in start..<min(start + 1024, size) { part += (a[i] - b[i]) * (a[i] - b[i]) }
                    return total + Double(part)
                }
                result.floats[row] = Float(sum)
            }
        }
        return result
    }

    package func normals(_ sequences: [RandomSequence], count: Int) -> Tensor {
        let result = allocate([sequences.count, count])
        parallel(sequences.count, grain: max(1, Self.elementGrain / max(1, count))) { rows in
            for row in rows { sequences[row].drawNormals(count, into: result.floats + row * count) }
        }
        return result
    }
}
