import HLCompute
import HLTensor

/// Differentiable augmentations (Zhao et al. 2020), of real and generated images alike.
package struct AdversarialAugmentations: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Brightness, saturation and contrast.
    package static let colour = AdversarialAugmentations(rawValue: 1)
    /// Shifts by up to an eighth of the side.
    package static let translation = AdversarialAugmentations(rawValue: 2)
    /// A square of half the side is grey.
    package static let cutout = AdversarialAugmentations(rawValue: 4)

    /// All by their names on command lines, in order.
    package static let named: [(name: String, value: AdversarialAugmentations)] = [
        ("colour", .colour), ("translation", .translation), ("cutout", .cutout),
    ]
}

extension AdversarialAugmentations {
    /// What happens to one image of a side, by the published code's distributions (`hl_diff_augment.h` links it).
    func draw(side: Int, flips: Bool, from random: inout RandomSequence) -> DifferentiableAugmentation {
        func below(_ bound: Int) -> Int32 { Int32((UInt64(random.nextWord()) * UInt64(bound)) >> 32) }
        var result = DifferentiableAugmentation.identity
        if flips { result.flip = random.uniform() < 0.5 }
        if contains(.colour) {
            result.brightness = random.uniform() - 0.5
            result.saturation = 2 * random.uniform()
            result.contrast = random.uniform() + 0.5
        }
        if contains(.translation) {
            let furthest = (side + 4) / 8
            result.down = below(2 * furthest + 1) - Int32(furthest)
            result.right = below(2 * furthest + 1) - Int32(furthest)
        }
        if contains(.cutout) {
            let size = (side + 1) / 2
            func range() -> (Int32, Int32) {
                let first = Int(below(side + 1 - size % 2)) - size / 2
                return (Int32(max(first, 0)), Int32(min(first + size, side)))
            }
            (result.first_row, result.last_row) = range()
            (result.first_column, result.last_column) = range()
        }
        return result
    }
}
