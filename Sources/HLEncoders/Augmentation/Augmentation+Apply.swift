import CKernels
import Dispatch
import HLTensor

extension Augmentation {
    /// Applies T_x to a batch: crop, resize to `size`, flip, colour, grey, blur, ImageNet normalisation.
    ///
    /// Each result depends on its own image and parameters only, whatever the batch and the threads.
    ///
    /// - Parameters:
    ///   - images: U8 (0 to 255) or F32 (0 to 1), [B, 3, H, W].
    ///   - parameters: B entries, drawn for images of this height and width.
    ///   - size: S, the side of the results.
    ///   - threads: at least 1.
    /// - Returns: F32 [B, 3, S, S].
    /// - Throws: `Failure` of kind data for images of another type or shape, of kind software for parameters that do
    ///   not fit the images.
    package func apply(
        images: HostTensor, parameters: [hl_augment_parameters], size: Int, threads: Int
    ) throws -> HostTensor {
        try Self.apply(images: images, parameters: parameters, size: size, threads: threads)
    }

    /// The same for parameters from any source, such as `centreCrop`. `mean` and `deviation` have three entries.
    package static func apply(
        images: HostTensor, parameters: [hl_augment_parameters], size: Int, threads: Int,
        mean: [Float] = imageNetMean, deviation: [Float] = imageNetDeviation
    ) throws -> HostTensor {
        let shape = images.shape
        guard images.type == .u8 || images.type == .f32, shape.count == 4, shape[1] == 3,
            shape[2...].allSatisfy({ (1...maximumSide).contains($0) })
        else {
            throw Failure(
                .data, "images to augment are \(images.type.rawValue) of shape \(shape)",
                "give U8 or F32 images of shape [batch, 3, height, width] with sides up to \(maximumSide)")
        }
        let (count, height, width) = (shape[0], shape[2], shape[3])
        guard parameters.count == count, mean.count == 3, deviation.count == 3, (1...maximumSide).contains(size),
            parameters.allSatisfy({ $0.fits(height: height, width: width, size: size) })
        else {
            throw Failure(
                .software, "augmentation parameters do not fit \(count) images of \(height) x \(width) pixels",
                "report this as a defect")
        }
        let chunks = max(1, min(threads, count))
        let isBytes: Int32 = images.type == .u8 ? 1 : 0
        var statuses = [Int32](repeating: 0, count: chunks)
        let result = HostTensor(.f32, shape: [count, 3, size, size]) { target in
            images.withUnsafeBytes { source in
                statuses.withUnsafeMutableBufferPointer { statuses in
                    // Unsafe to share in general; here every chunk writes its own images and its own status.
                    nonisolated(unsafe) let status = statuses
                    nonisolated(unsafe) let input = source.baseAddress
                    nonisolated(unsafe) let output = target.bindMemory(to: Float.self).baseAddress
                    DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
                        status[chunk] = hl_augment(
                            input, isBytes, Int32(height), Int32(width), Int32(count * chunk / chunks),
                            Int32(count * (chunk + 1) / chunks), parameters, mean, deviation, Int32(size), output)
                    }
                }
            }
        }
        guard statuses.allSatisfy({ $0 == 0 }) else {
            throw Memory.failure(for: "augmentation")
        }
        return result
    }

    /// Areas stay within 32 bits.
    private static var maximumSide: Int { 16384 }
}

extension hl_augment_parameters {
    /// Whether the kernel may run with these on images of this size.
    fileprivate func fits(height imageHeight: Int, width imageWidth: Int, size: Int) -> Bool {
        let (top, left) = (Int(top), Int(left))
        let steps = [order.0, order.1, order.2, order.3]
        return top >= 0 && left >= 0 && height > 0 && width > 0
            && top + Int(height) <= imageHeight && left + Int(width) <= imageWidth
            && steps.sorted() == [0, 1, 2, 3]
            && blur_radius >= 0 && Int(blur_radius) < size && (blur_radius == 0 || blur_sigma > 0)
    }
}
