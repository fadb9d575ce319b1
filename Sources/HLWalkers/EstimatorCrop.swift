import HLCompute
import HLEncoders
import HLNet
import HLTensor

/// What the estimator sees of an image: its centre, 7/8 of the side, normalised like ImageNet's.
struct EstimatorCrop {
    /// Side of the crop.
    let size: Int
    private let parameters: AugmentationParameters

    /// - Parameter side: of the images in pixels.
    init(side: Int) {
        size = Augmentation.cropSize(renderSide: side)
        parameters = Augmentation.centreCrop(imageHeight: side, imageWidth: side, size: size)
    }

    /// F32 [B, 3, size, size] from images F32 [B, 3, side, side], 0…1, with a way back.
    func callAsFunction(_ images: Variable, _ pass: Pass) -> Variable {
        pass.crop(
            images, [AugmentationParameters](repeating: parameters, count: images.shape[0]), size: size,
            mean: Augmentation.imageNetMean, deviation: Augmentation.imageNetDeviation)
    }
}
