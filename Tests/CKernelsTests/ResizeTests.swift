import CKernels
import CKernelsClones
import Testing

/// Resizing in fixed point against a naive twin, to the bit.
struct ResizeTests {
    /// Taps with `most` weights at most, drawn so that they sum to 1.
    private struct Taps {
        var starts: [Int32] = [], counts: [Int32] = [], weights: [Int32] = []
        let most: Int

        init(from source: Int, to count: Int, _ numbers: inout Numbers) {
            most = min(5, source)
            for _ in 0..<count {
                let taps = 1 + Int(numbers.word() % UInt64(most))
                starts.append(Int32(numbers.word() % UInt64(source - taps + 1)))
                counts.append(Int32(taps))
                // Weights below 0 and above 1, as Lanczos' filter has them.
                var own = (1..<taps).map { _ in Int32(numbers.word() % (1 << 20)) - 1 << 19 }
                own.append(1 << 22 - own.reduce(0, +))
                weights += own + [Int32](repeating: 77, count: most - taps)
            }
        }

        func callAsFunction<Result>(_ body: (hl_resize_taps) -> Result) -> Result {
            starts.withUnsafeBufferPointer { starts in
                counts.withUnsafeBufferPointer { counts in
                    weights.withUnsafeBufferPointer { weights in
                        body(
                            hl_resize_taps(
                                count: starts.count, most: most, starts: starts.baseAddress, counts: counts.baseAddress,
                                weights: weights.baseAddress))
                    }
                }
            }
        }

        /// What target `index` is made of, by a function of the source's index.
        func value(_ index: Int, _ source: (Int) -> UInt8) -> UInt8 {
            var sum = 1 << 21
            for tap in 0..<Int(counts[index]) {
                sum += Int(source(Int(starts[index]) + tap)) * Int(weights[index * most + tap])
            }
            return UInt8(min(max(sum >> 22, 0), 255))
        }
    }

    private func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
        var numbers = Numbers(seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.word()) }
    }

    @Test(arguments: [(1, 1, 1), (7, 3, 5), (40, 17, 9), (33, 64, 4)])
    func alongRows(_ width: Int, _ target: Int, _ rows: Int) {
        var numbers = Numbers(width)
        let taps = Taps(from: width, to: target, &numbers), stride = 4 * width + 8, source = bytes(rows * stride, 1)
        let found = everyClone(hl_resize_rows, avx2: hl_resize_rows_avx2, baseline: hl_resize_rows_baseline) { resize in
            var result = [UInt8](repeating: 1, count: 4 * target * rows)
            taps { resize($0, source, stride, rows, &result) }
            return result
        }
        for row in 0..<rows {
            for x in 0..<target {
                for channel in 0..<3 {
                    let expected = taps.value(x) { source[row * stride + 4 * $0 + channel] }
                    #expect(found[4 * (row * target + x) + channel] == expected)
                }
            }
        }
    }

    @Test(arguments: [(1, 1, 1), (9, 5, 3), (12, 31, 20)], [false, true])
    func downColumns(_ size: (height: Int, width: Int, target: Int), _ isMirrored: Bool) {
        let (height, width, target) = size
        var numbers = Numbers(height)
        let taps = Taps(from: height, to: target, &numbers), source = bytes(4 * width * height, 2)
        var sums = [Int32](repeating: 0, count: 4 * width), line = [UInt8](repeating: 0, count: 4 * width)
        let plane = target * width + 3
        var found = [UInt8](repeating: 0, count: 3 * plane)
        taps { hl_resize_columns($0, source, width, isMirrored ? 1 : 0, &sums, &line, &found, plane) }
        for channel in 0..<3 {
            for y in 0..<target {
                for x in 0..<width {
                    let column = isMirrored ? width - 1 - x : x
                    let expected = taps.value(y) { source[4 * ($0 * width + column) + channel] }
                    #expect(found[channel * plane + y * width + x] == expected)
                }
            }
        }
    }

    @Test(arguments: [1, 15, 64, 133]) func planesAndPixels(_ count: Int) {
        let rows = 3, stride = count + 5, planes = bytes(3 * rows * stride, 3)
        var pixels = [UInt8](repeating: 9, count: 4 * rows * count)
        hl_interleave_planes(planes, rows * stride, stride, count, rows, &pixels)
        for row in 0..<rows {
            for x in 0..<count {
                let expected = (0..<3).map { planes[($0 * rows + row) * stride + x] } + [0]
                #expect(Array(pixels[4 * (row * count + x)..<4 * (row * count + x) + 4]) == expected)
            }
        }
        for isMirrored in [false, true] {
            var back = [UInt8](repeating: 0, count: 3 * rows * count)
            hl_separate_planes(pixels, rows * count, isMirrored ? 1 : 0, &back, rows * count)
            for channel in 0..<3 {
                let plane = (0..<rows * count).map { pixels[4 * $0 + channel] }
                let expected = isMirrored ? plane.reversed() : plane
                #expect(Array(back[channel * rows * count..<(channel + 1) * rows * count]) == expected)
            }
        }
    }
}
