import CKernels
import CKernelsClones
import Foundation
import Testing

/// The last steps to images, against their formulas in Double.
struct ImageTests {
    static let layouts = [
        Layout(1, 3, 10, block: 1), Layout(1, 16, 1, block: 16), Layout(1, 20, 33, block: 16),
        Layout(1, 8, 7, block: 8), Layout(1, last: 3, 5), Layout(1, last: 32, 7),
    ]

    /// hl_exp lies within 2 units in the last place: 1e-6.
    @Test(arguments: layouts, [HL_SQUASH_TANH, HL_SQUASH_CLAMP]) func squashing(_ layout: Layout, _ squash: hl_squash) {
        var numbers = Numbers(80)
        let plain = numbers.floats(layout.channels * layout.positions, -2, 2), x = layout.pack(plain, filling: 0)
        let size = 3 * layout.positions, gradient = numbers.floats(size)
        let image = everyClone(hl_to_image, avx2: hl_to_image_avx2, baseline: hl_to_image_baseline) { toImage in
            var image = [Float](repeating: .nan, count: size)
            toImage(layout.planes, squash, x, &image)
            return image
        }
        let colours = plain.prefix(size).map(Double.init)
        let isTanh = squash == HL_SQUASH_TANH
        expectClose(image, colours.map { isTanh ? (tanh($0) + 1) / 2 : min(max(($0 + 1) / 2, 0), 1) }, within: 1e-6)

        let back = everyClone(
            hl_to_image_backward, avx2: hl_to_image_backward_avx2, baseline: hl_to_image_backward_baseline
        ) { toImage in
            var result = [Float](repeating: .nan, count: layout.count)
            toImage(layout.planes, squash, image, gradient, &result)
            return layout.unpack(result)
        }
        let slopes = colours.map { isTanh ? (1 - tanh($0) * tanh($0)) / 2 : abs($0) < 1 ? 0.5 : 0 }
        let none = [Double](repeating: 0, count: plain.count - size)
        expectClose(back, zip(gradient, slopes).map { Double($0) * $1 } + none, within: 2e-6)
    }

    /// Far out, where e^x is beyond what a float holds.
    @Test func extremesOfTanh() {
        let planes = hl_planes(samples: 1, blocks: 3, positions: 2, block: 1, step: 1, narrow: 0)
        var image = [Float](repeating: -1, count: 6)
        hl_to_image(planes, HL_SQUASH_TANH, [-1000, 1000, -.infinity, .infinity, .nan, 0] as [Float], &image)
        #expect(image[0] >= 0 && image[0] < 1e-30 && image[2] < 1e-30 && image[1] == 1 && image[3] == 1)
        #expect(image[4].isNaN && image[5] == 0.5)
    }

    /// A sparse map along rows, and down columns: eighths, exact.
    @Test(arguments: [(1, 1, 1), (5, 7, 3), (2, 4, 9)]) func resampling(_ planes: Int, _ side: Int, _ outputs: Int) {
        var numbers = Numbers(81)
        let most = min(3, side), width = 5
        let counts = (0..<outputs).map { _ in Int32(numbers.word() % UInt64(most + 1)) }
        let starts = counts.map { Int32(numbers.word() % UInt64(side - Int($0) + 1)) }
        let weights = numbers.eighths(outputs * most)
        let lying = numbers.eighths(planes * side), standing = numbers.eighths(planes * side * width)
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    let taps = hl_taps(
                        count: outputs, most: most, starts: starts.baseAddress, counts: counts.baseAddress,
                        weights: weights.baseAddress)
                    /// Σₖ weights[i][k] x[starts[i] + k]
                    func sum(_ i: Int, _ x: (Int) -> Float) -> Double {
                        (0..<Int(counts[i])).reduce(0) {
                            $0 + Double(weights[i * most + $1]) * Double(x(Int(starts[i]) + $1))
                        }
                    }
                    var along = [Float](repeating: .nan, count: planes * outputs)
                    hl_resample_along(taps, lying, &along, 0, 1, side)
                    hl_resample_along(taps, lying, &along, 1, planes, side)
                    expectClose(
                        along,
                        (0..<planes * outputs).map { at in sum(at % outputs) { lying[at / outputs * side + $0] } },
                        within: 0)
                    let down = everyClone(
                        hl_resample_down, avx2: hl_resample_down_avx2, baseline: hl_resample_down_baseline
                    ) { resample in
                        var result = [Float](repeating: .nan, count: planes * outputs * width)
                        resample(taps, standing, &result, 0, 1, side, width)
                        resample(taps, standing, &result, 1, planes, side, width)
                        return result
                    }
                    let expected = (0..<planes * outputs * width).map { at in
                        let plane = at / (outputs * width), column = at % width
                        return sum(at / width % outputs) { standing[(plane * side + $0) * width + column] }
                    }
                    expectClose(down, expected, within: 0)
                }
            }
        }
    }

    /// Every pixel value, values between (none of them a tie), beyond both ends and none at all.
    @Test func rounding() {
        var pixels: [Float] = [.nan, .infinity, -.infinity]
        for value in 0...255 { pixels.append(Float(value) / 255) }
        for value in 0..<1000 { pixels.append(Float(value) / 907 - 0.05) }
        let found = everyClone(hl_round_pixels, avx2: hl_round_pixels_avx2, baseline: hl_round_pixels_baseline) {
            round in
            var out = [UInt8](repeating: 7, count: pixels.count)
            round(pixels, &out, pixels.count)
            round(pixels, &out, 0)
            return out
        }
        let expected = pixels.map { pixel -> UInt8 in
            let rounded = (255 * Double(pixel) + 0.5).rounded(.down)
            return pixel.isNaN ? 0 : UInt8(min(max(rounded, 0), 255))
        }
        #expect(found == expected)
    }
}
