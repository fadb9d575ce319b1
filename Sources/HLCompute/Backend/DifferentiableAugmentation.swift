import CKernels

/// What differentiable augmentation does to one image (`hl_diff_augment.h` has the fields): drawn on the host, the same for
/// every backend.
package typealias DifferentiableAugmentation = hl_diff_augment_parameters

extension hl_diff_augment_parameters {
    /// The image as it is.
    package static let identity = DifferentiableAugmentation(
        flip: false, brightness: 0, saturation: 1, contrast: 1, down: 0, right: 0, first_row: 0, last_row: 0,
        first_column: 0, last_column: 0)

    /// Whether they may be applied to images of this side.
    package func fits(side: Int) -> Bool {
        let box = 0...Int32(clamping: side)
        return abs(Int(down)) <= side && abs(Int(right)) <= side
            && [first_row, last_row, first_column, last_column].allSatisfy(box.contains) && first_row <= last_row
            && first_column <= last_column
    }
}
