import HLCompute
import HLTensor

extension Augmentation {
    /// Applies T_x to a batch where the images are: crop, resize to `size`, flip, colour, grey, blur, normalisation
    /// (`Backend.augment`).
    ///
    /// - Parameters:
    ///   - images: U8 (0 to 255) or F32 (0 to 1), [B, 3, H, W].
    ///   - parameters: B entries, drawn for images of this height and width, or from elsewhere, such as `centreCrop`.
    ///   - size: S, the side of the results.
    /// - Returns: F32 [B, 3, S, S].
    /// - Throws: `Failure` of kind data for images of another type or shape, of kind software for parameters that do
    ///   not fit the images.
    package static func apply(
        _ images: Tensor, _ parameters: [AugmentationParameters], size: Int, normalisation: Normalisation = .imageNet,
        on backend: any Backend
    ) throws -> Tensor {
        let shape = images.shape
        try check(images.type, shape)
        let (count, height, width) = (shape[0], shape[2], shape[3])
        guard parameters.count == count, (1...maximumSide).contains(size),
            parameters.allSatisfy({ $0.fits(height: height, width: width, size: size) })
        else {
            throw Failure(
                .software, "augmentation parameters do not fit \(count) images of \(height) x \(width) pixels",
                "report this as a defect")
        }
        return backend.augment(
            images, parameters, size: size, mean: normalisation.mean, deviation: normalisation.deviation)
    }

    /// Whether images can be augmented: to be asked before parameters are drawn for them.
    /// - Throws: `Failure(.data)` for another type or shape.
    package static func check(_ type: ElementType, _ shape: [Int]) throws {
        guard type == .u8 || type == .f32, shape.count == 4, shape[1] == 3,
            shape[2...].allSatisfy({ (1...maximumSide).contains($0) })
        else {
            throw Failure(
                .data, "images to augment are \(type.rawValue) of shape \(shape)",
                "give U8 or F32 images of shape [batch, 3, height, width] with sides from 1 to \(maximumSide)")
        }
    }

    /// Areas stay within 32 bits.
    private static var maximumSide: Int { 16384 }
}
