import CKernels
import HLEncoders
import HLTensor

/// What the estimator sees of an image: its centre, 7/8 of the side, normalised like ImageNet's; and the way back.
struct EstimatorCrop {
    /// Side of the images in pixels.
    let side: Int
    /// Side of the crop.
    let size: Int
    private let parameters: hl_augment_parameters

    init(side: Int) {
        self.side = side
        size = Augmentation.cropSize(renderSide: side)
        parameters = Augmentation.centreCrop(imageHeight: side, imageWidth: side, size: size)
    }

    /// F32 [B, 3, size, size] from images F32 [B, 3, side, side], 0…1.
    func prepared(_ images: HostTensor, threads: Int) throws -> HostTensor {
        try Augmentation.apply(
            images: images, parameters: [hl_augment_parameters](repeating: parameters, count: images.rowCount),
            size: size, threads: threads)
    }

    /// dL/dimages, F32 [B, 3, side, side], from the gradient of what was prepared, F32 [B, 3, size, size].
    func gradient(_ prepared: HostTensor) -> HostTensor {
        let count = prepared.rowCount, top = Int(parameters.top), left = Int(parameters.left)
        return HostTensor(.f32, shape: [count, 3, side, side]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            target.update(repeating: 0)
            prepared.withUnsafeElements(as: Float.self) { source in
                for plane in 0..<count * 3 {
                    let scale = 1 / Augmentation.imageNetDeviation[plane % 3]
                    for y in 0..<size {
                        let from = (plane * size + y) * size
                        let to = (plane * side + y + top) * side + left
                        for x in 0..<size { target[to + x] = source[from + x] * scale }
                    }
                }
            }
        }
    }
}
