import CKernels
import CKernelsClones
import Testing

/// Pooling and changes of the layout against plain loops. Maxima, and sums of eighths, are exact.
struct PoolingTests {
    struct Pooling: Sendable {
        let channels, block, height, width, window, stride, padding: Int

        var outHeight: Int { (height + 2 * padding - window) / stride + 1 }
        var outWidth: Int { (width + 2 * padding - window) / stride + 1 }
        var input: Layout { Layout(2, channels, height * width, block: block) }
        var output: Layout { Layout(2, channels, outHeight * outWidth, block: block) }

        /// The positions of the window of an output position that lie within the image, with their offsets.
        func places(_ position: Int) -> [(offset: Int, place: Int)] {
            (0..<window * window).compactMap { offset in
                let row = position / outWidth * stride - padding + offset / window
                let column = position % outWidth * stride - padding + offset % window
                return (0..<height).contains(row) && (0..<width).contains(column) ? (offset, row * width + column) : nil
            }
        }
    }

    /// ResNet's pooling, windows side by side, windows that leave a rest, single rows and positions; padded blocks, and channels
    /// last, whole pieces and a rest.
    static let poolings = [1, 8, 16, 32, 20, 3].flatMap { block in
        [(7, 5, 3, 2, 1), (8, 8, 2, 2, 0), (5, 6, 3, 1, 0), (1, 9, 3, 2, 1), (1, 1, 1, 1, 0), (6, 3, 3, 3, 1)].map {
            Pooling(
                channels: block == 1 ? 3 : block == 8 || block == 16 ? block + 3 : block, block: block, height: $0.0,
                width: $0.1, window: $0.2,
                stride: $0.3, padding: $0.4)
        }
    }

    @Test(arguments: poolings) func maxima(_ p: Pooling) {
        var numbers = Numbers(20)
        let plain = numbers.eighths(2 * p.channels * p.height * p.width)  // with ties
        let x = p.input.pack(plain, filling: 0), planes = 2 * p.input.blocks
        let found = everyClone(hl_max_pool, avx2: hl_max_pool_avx2, baseline: hl_max_pool_baseline) { pool in
            var y = [Float](repeating: .nan, count: p.output.count)
            var chosen = [UInt8](repeating: 255, count: p.output.count)
            for range in [0..<1, 1..<planes] {
                pool(
                    x, &y, &chosen, range.lowerBound, range.upperBound, p.height, p.width, p.block, p.window, p.stride,
                    p.padding, 0)
            }
            return p.output.unpack(y) + p.output.unpack(chosen).map(Float.init)
        }
        var maxima: [Double] = [], offsets: [Double] = []
        for plane in 0..<2 * p.channels {
            for position in 0..<p.outHeight * p.outWidth {
                let places = p.places(position).map {
                    ($0.offset, Double(plain[plane * p.height * p.width + $0.place]))
                }
                let best = places.map(\.1).max() ?? .nan
                maxima.append(best)
                offsets.append(Double(places.first { $0.1 == best }?.0 ?? -1))
            }
        }
        expectClose(found, maxima + offsets, within: 0)
    }

    @Test func brokenValuesAreNoticed() {
        var y: [Float] = [0], chosen: [UInt8] = [9]
        for place in 0..<4 {
            var x: [Float] = [1, 2, 3, -.infinity]
            x[place] = .nan
            hl_max_pool(x, &y, &chosen, 0, 1, 2, 2, 1, 2, 2, 0, 0)
            #expect(y[0].isNaN && Int(chosen[0]) == place)
        }
        for block in [3, 40] {
            let broken = (0..<4 * block).map { $0 == 2 * block - 1 ? Float.nan : 1 }
            var wide = [Float](repeating: 0, count: block), offsets = [UInt8](repeating: 9, count: block)
            hl_max_pool(broken, &wide, &offsets, 0, 1, 2, 2, block, 2, 2, 0, 0)
            #expect(wide.dropLast().allSatisfy { $0 == 1 } && wide[block - 1].isNaN && offsets[block - 1] == 1)
        }
        hl_max_pool([Float](repeating: -.infinity, count: 4), &y, &chosen, 0, 1, 2, 2, 1, 2, 2, 0, 0)
        #expect(y == [-.infinity] && chosen == [0])
    }

    @Test(arguments: poolings) func gradientOfMaxima(_ p: Pooling) {
        var numbers = Numbers(21)
        let outputs = p.outHeight * p.outWidth
        let plain = numbers.eighths(2 * p.channels * outputs), gradient = p.output.pack(plain, filling: 0)
        let picked = (0..<plain.count).map { index in
            let places = p.places(index % outputs)
            return places[Int(numbers.word() % UInt64(places.count))]
        }
        let chosen = p.output.pack(picked.map { UInt8($0.offset) }, filling: 0), planes = 2 * p.input.blocks
        let found = everyClone(
            hl_max_pool_backward, avx2: hl_max_pool_backward_avx2, baseline: hl_max_pool_backward_baseline
        ) { back in
            var result = [Float](repeating: .nan, count: p.input.count)
            for range in [0..<1, 1..<planes] {
                back(
                    gradient, chosen, &result, range.lowerBound, range.upperBound, p.height, p.width, p.block, p.window,
                    p.stride, p.padding, 0)
            }
            return p.input.unpack(result)
        }
        var expected = [Double](repeating: 0, count: 2 * p.channels * p.height * p.width)
        for index in plain.indices {
            expected[index / outputs * p.height * p.width + picked[index].place] += Double(plain[index])
        }
        expectClose(found, expected, within: 0)
    }

    /// What the stem's batch norm sums up on its way back: eighths, which BF16 holds too.
    @Test(arguments: poolings, [false, true]) func sumsOfMaxima(_ p: Pooling, _ isNarrow: Bool) {
        var numbers = Numbers(24)
        let outputs = p.outHeight * p.outWidth, places = p.height * p.width
        let gradient = numbers.eighths(2 * p.channels * outputs), x = numbers.eighths(2 * p.channels * places)
        let means = numbers.eighths(p.input.blocks * p.block)
        let picked = gradient.indices.map { index in
            let places = p.places(index % outputs)
            return places[Int(numbers.word() % UInt64(places.count))]
        }
        let chosen = p.output.pack(picked.map { UInt8($0.offset) }, filling: 0)
        func bits(_ values: [Float]) -> [UInt16] { values.map { UInt16($0.bitPattern >> 16) } }
        let (g, values) = (p.output.pack(gradient, filling: 0), p.input.pack(x, filling: 0))
        let (narrowG, narrowValues) = (bits(g), bits(values))
        let found = everyClone(
            hl_max_pool_sums, avx2: hl_max_pool_sums_avx2, baseline: hl_max_pool_sums_baseline
        ) { kernel in
            (0..<2 * p.input.blocks).flatMap { plane in
                var sum = [Float](repeating: .nan, count: p.block), centred = sum
                let (at, place) = (plane * p.block * outputs, plane * p.block * places)
                func add(_ g: UnsafeRawPointer, _ x: UnsafeRawPointer, _ chosen: UnsafePointer<UInt8>) {
                    let mean = Array(means[plane % p.input.blocks * p.block..<(plane % p.input.blocks + 1) * p.block])
                    let bytes = isNarrow ? 2 : 4
                    kernel(
                        g + bytes * at, chosen + at, x + bytes * place, p.height, p.width, p.block, p.window, p.stride,
                        p.padding, mean, &sum, &centred, isNarrow ? 1 : 0)
                }
                isNarrow ? add(narrowG, narrowValues, chosen) : add(g, values, chosen)
                return sum + centred
            }
        }
        var expected = [Double](repeating: 0, count: 2 * p.input.blocks * 2 * p.block)
        for index in gradient.indices {
            let (sample, channel) = (index / outputs / p.channels, index / outputs % p.channels)
            let at = (sample * p.input.blocks + channel / p.block) * 2 * p.block + channel % p.block
            let distance = x[index / outputs * places + picked[index].place] - means[channel]
            expected[at] += Double(gradient[index])
            expected[at + p.block] += Double(gradient[index] * distance)
        }
        expectClose(found, expected, within: 0)
    }

    static let layouts = [
        Layout(1, 1, 1, block: 1), Layout(3, 5, 7, block: 1), Layout(2, 16, 9, block: 16), Layout(3, 21, 5, block: 16),
        Layout(2, 11, 1, block: 8), Layout(2, 24, 64, block: 8), Layout(2, last: 3, 11), Layout(2, last: 32, 9),
        Layout(1, last: 520, 19), Layout(2, 64, 6, block: 32, isCut: true),
    ]

    /// Means of up to 64 values, added up in float: within 1e-6.
    @Test(arguments: layouts) func means(_ layout: Layout) {
        var numbers = Numbers(22)
        let plain = numbers.floats(layout.samples * layout.channels * layout.positions)
        let x = layout.pack(plain, filling: 0), size = layout.samples * layout.channels
        let found = everyClone(hl_average_pool, avx2: hl_average_pool_avx2, baseline: hl_average_pool_baseline) {
            pool in
            var y = [Float](repeating: .nan, count: size)
            for range in [0..<1, 1..<layout.samples] {
                pool(layout.planes, layout.channels, range.lowerBound, range.upperBound, x, &y)
            }
            return y
        }
        let expected = (0..<size).map { row in
            (0..<layout.positions).reduce(0) { $0 + Double(plain[row * layout.positions + $1]) }
                / Double(layout.positions)
        }
        expectClose(found, expected, within: 1e-6)

        let gradient = numbers.floats(size)
        let back = everyClone(
            hl_average_pool_backward, avx2: hl_average_pool_backward_avx2, baseline: hl_average_pool_backward_baseline
        ) { pool in
            var result = [Float](repeating: .nan, count: layout.count)
            pool(layout.planes, layout.channels, 0, layout.samples, gradient, &result)
            #expect(result == layout.pack(layout.unpack(result), filling: 0))  // padding is 0
            return layout.unpack(result)
        }
        let spread = plain.indices.map { Double(gradient[$0 / layout.positions]) / Double(layout.positions) }
        expectClose(back, spread, within: 1e-6)
    }

    @Test(arguments: layouts) func layoutsAndBack(_ layout: Layout) {
        var numbers = Numbers(23)
        let plain = numbers.floats(layout.samples * layout.channels * layout.positions)
        let blocked = everyClone(hl_block, avx2: hl_block_avx2, baseline: hl_block_baseline) { block in
            var result = [Float](repeating: .nan, count: layout.count)
            for range in [0..<1, 1..<layout.samples] {
                block(layout.planes, layout.channels, range.lowerBound, range.upperBound, plain, &result)
            }
            return result
        }
        #expect(blocked == layout.pack(plain, filling: 0))
        let back = everyClone(hl_unblock, avx2: hl_unblock_avx2, baseline: hl_unblock_baseline) { unblock in
            var result = [Float](repeating: .nan, count: plain.count)
            unblock(layout.planes, layout.channels, 0, layout.samples, blocked, &result)
            return result
        }
        #expect(back == plain)
    }
}
