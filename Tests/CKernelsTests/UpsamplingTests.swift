import CKernels
import CKernelsClones
import Testing

/// Doubling the side and filtering against plain loops over row-major planes. Eighths: exact.
struct UpsamplingTests {
    /// Samples 2; row-major, blocks with and without padding, channels last; single rows and positions.
    static let shapes = [(3, 1), (16, 16), (20, 16), (8, 8), (11, 8), (3, 3), (32, 32), (27, 27)].flatMap {
        (channels, block) in [(1, 1), (1, 5), (4, 3)].map { (channels, block, $0.0, $0.1) }
    }

    @Test(arguments: shapes) func nearest(_ channels: Int, _ block: Int, _ height: Int, _ width: Int) {
        var numbers = Numbers(70)
        let small = Layout(2, channels, height * width, block: block)
        let large = Layout(2, channels, 4 * height * width, block: block)
        let values = numbers.eighths(2 * channels * height * width), before = numbers.eighths(4 * values.count)
        let planes = 2 * small.blocks
        /// The place in the small plane of one in the large.
        func source(_ index: Int) -> Int {
            let position = index % (4 * height * width), plane = index / (4 * height * width)
            return (plane * height + position / (2 * width) / 2) * width + position % (2 * width) / 2
        }
        let packed = (small.pack(values, filling: 0), large.pack(before, filling: 0))
        let up = everyClone(hl_add_upsampled, avx2: hl_add_upsampled_avx2, baseline: hl_add_upsampled_baseline) { add in
            var result = packed.1
            add(packed.0, &result, 0, 1, height, width, block, 0)
            add(packed.0, &result, 1, planes, height, width, block, 0)
            return large.unpack(result)
        }
        expectClose(up, before.indices.map { Double(before[$0]) + Double(values[source($0)]) }, within: 0)

        let down = everyClone(hl_sum_squares, avx2: hl_sum_squares_avx2, baseline: hl_sum_squares_baseline) { sum in
            var result = [Float](repeating: .nan, count: small.count)
            sum(packed.1, &result, 0, 1, height, width, block, 0)
            sum(packed.1, &result, 1, planes, height, width, block, 0)
            return small.unpack(result)
        }
        var sums = [Double](repeating: 0, count: values.count)
        for index in before.indices { sums[source(index)] += Double(before[index]) }
        expectClose(down, sums, within: 0)
    }

    /// Zero insertion, then a filter: taps[phase of the row][of the column][earlier or later row][column].
    @Test(arguments: [(1, 1), (1, 4), (3, 5)]) func zeroInsertion(_ height: Int, _ width: Int) {
        var numbers = Numbers(71)
        let planes = 3, taps = numbers.eighths(16)
        let small = numbers.eighths(planes * height * width), gradient = numbers.eighths(4 * small.count)
        var large = [Float](repeating: .nan, count: gradient.count), back = [Float](repeating: .nan, count: small.count)
        var expected = [Double](repeating: 0, count: large.count), adjoint = [Double](repeating: 0, count: small.count)
        for range in [0..<1, 1..<planes] {
            hl_filter_upsampled(small, &large, range.lowerBound, range.upperBound, height, width, taps)
            hl_filter_upsampled_backward(gradient, &back, range.lowerBound, range.upperBound, height, width, taps)
        }
        for index in large.indices {
            let plane = index / (4 * height * width), row = index / (2 * width) % (2 * height),
                column = index % (2 * width)
            for tap in 0..<4 {
                let from = (row / 2 + row % 2 - 1 + tap / 2, column / 2 + column % 2 - 1 + tap % 2)
                guard (0..<height).contains(from.0), (0..<width).contains(from.1) else { continue }
                let weight = Double(taps[8 * (row % 2) + 4 * (column % 2) + tap])
                let place = (plane * height + from.0) * width + from.1
                expected[index] += Double(small[place]) * weight
                adjoint[place] += Double(gradient[index]) * weight
            }
        }
        expectClose(large, expected, within: 0)
        expectClose(back, adjoint, within: 0)
    }

    /// Four taps along both sides; offsets on both sides of the middle.
    @Test(arguments: [(3, 1), (16, 16), (11, 8), (40, 40)], [(1, 1, 1), (5, 4, 1), (7, 8, 2), (4, 3, 0)])
    func filter(_ channels: (count: Int, block: Int), _ sides: (side: Int, out: Int, offset: Int)) {
        var numbers = Numbers(72)
        let (side, out) = (sides.side, sides.out), taps = numbers.eighths(4)
        let small = Layout(2, channels.count, side * side, block: channels.block)
        let large = Layout(2, channels.count, out * out, block: channels.block)
        let plain = numbers.eighths(2 * channels.count * side * side), x = small.pack(plain, filling: 0)
        let found = everyClone(hl_filter_rows, avx2: hl_filter_rows_avx2, baseline: hl_filter_rows_baseline) {
            filter in
            var y = [Float](repeating: .nan, count: large.count)
            var scratch = [Float](repeating: .nan, count: (side + 4) * channels.block)
            for range in [0..<1, 1..<2 * large.blocks * out] {
                filter(
                    x, &y, range.lowerBound, range.upperBound, side, out, sides.offset, taps, channels.block, 0,
                    &scratch)
            }
            return large.unpack(y)
        }
        let expected = (0..<2 * channels.count * out * out).map { index in
            let plane = index / (out * out), position = index % (out * out)
            return (0..<16).reduce(0.0) { sum, tap in
                let row = position / out + tap / 4 - sides.offset, column = position % out + tap % 4 - sides.offset
                guard (0..<side).contains(row), (0..<side).contains(column) else { return sum }
                let value = Double(plain[(plane * side + row) * side + column])
                return sum + Double(taps[tap / 4]) * Double(taps[tap % 4]) * value
            }
        }
        expectClose(found, expected, within: 0)
    }
}
