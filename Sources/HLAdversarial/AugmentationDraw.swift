import HLCompute
import HLTensor

extension GeneratorTrainer.Augmentations {
    /// What happens to one image of a side, by the published code's distributions (`hl_diff_augment.h` links it).
    func draw(side: Int, flips: Bool, from random: inout RandomSequence) -> DifferentiableAugmentation {
        func below(_ bound: Int) -> Int32 { Int32(UInt64(random.nextWord()) * UInt64(bound) >> 32) }
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
