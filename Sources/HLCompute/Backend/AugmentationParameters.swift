import CKernels

/// What T_x does to one image (`hl_augment.h` has the fields): 48 bytes, drawn on the host, the same for every backend.
package typealias AugmentationParameters = hl_augment_parameters

extension hl_augment_parameters {
    /// Whether they may be applied to images of this height and width, for results of `size` pixels a side.
    package func fits(height imageHeight: Int, width imageWidth: Int, size: Int) -> Bool {
        let (top, left) = (Int(top), Int(left))
        let steps = [order.0, order.1, order.2, order.3]
        return top >= 0 && left >= 0 && height > 0 && width > 0
            && top + Int(height) <= imageHeight && left + Int(width) <= imageWidth
            && steps.sorted() == [0, 1, 2, 3]
            && blur_radius >= 0 && Int(blur_radius) < size && (blur_radius == 0 || blur_sigma > 0)
    }

    /// Whether all that they do is to cut out `size` × `size` pixels.
    package func onlyCrops(to size: Int) -> Bool {
        height == size && width == size && !flip && !colour && !grey && blur_radius == 0
    }
}
