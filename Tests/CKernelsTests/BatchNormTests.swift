import CKernels
import CKernelsClones
import Testing

/// Batch normalisation against its formulas in Double. Sums of a few hundred floats: within 2e-6 of the greatest value.
struct BatchNormTests {
    /// Row-major, blocks with and without padding, matrices, one position, one sample, and channels last: a few, whole pieces
    /// and a rest, more positions than are walked at once, and cut.
    static let layouts = [
        Layout(3, 5, 35, block: 1), Layout(1, 1, 1, block: 1), Layout(2, 3, 1, block: 1), Layout(2, 2, 16, block: 1),
        Layout(2, 32, 7, block: 16), Layout(3, 20, 12, block: 16), Layout(1, 16, 1, block: 16),
        Layout(3, 8, 9, block: 8), Layout(2, 13, 6, block: 8), Layout(7, 37, 1, block: 37), Layout(4, 8, 1, block: 8),
        Layout(1, 40, 1, block: 40), Layout(2, 6, 5, block: 3), Layout(2, last: 3, 9), Layout(3, last: 32, 7),
        Layout(2, last: 40, 5), Layout(1, last: 512, 19), Layout(2, last: 100, 45), Layout(2, last: 56, 6),
        Layout(2, 96, 3, block: 32, isCut: true),
        Layout(1, 32, 5, block: 16, isCut: true),
    ]

    /// One block of channels after another, as the backend calls the kernels.
    private func forEachBlock(_ layout: Layout, _ body: (Int, Range<Int>) -> Void) {
        for which in 0..<layout.blocks { body(which, which * layout.block..<(which + 1) * layout.block) }
    }

    /// Values far from 0, where a variance by plain squares would be wrong.
    private func inputs(_ layout: Layout, _ seed: Int) -> [Float] {
        var numbers = Numbers(seed)
        return numbers.floats(layout.samples * layout.channels * layout.positions, 99, 101)
    }

    @Test(arguments: layouts) func statistics(_ layout: Layout) {
        let plain = inputs(layout, 10), x = layout.pack(plain, filling: 0)
        let channels = layout.blocks * layout.block
        let found = everyClone(
            hl_batch_norm_moments, avx2: hl_batch_norm_moments_avx2, baseline: hl_batch_norm_moments_baseline
        ) { moments in
            var result: [[Float]] = [[], []]
            forEachBlock(layout) { which, range in
                let statistics = Self.statistics(layout.planes, which, x, moments)
                result[0] += statistics.mean
                result[1] += statistics.variance
            }
            return result[0] + result[1]
        }
        let count = Double(layout.samples * layout.positions)
        let values = (0..<channels).map { channel in
            (0..<layout.samples).flatMap { n in
                (0..<layout.positions).map { channel < layout.channels ? Double(x[layout.index(n, channel, $0)]) : 0 }
            }
        }
        let means = values.map { $0.reduce(0, +) / count }
        let variances = zip(values, means).map { values, mean in
            values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        }
        expectClose(Array(found.prefix(channels)), means, within: 0x1p-23, "mean")
        expectClose(Array(found.suffix(channels)), variances, within: 2e-6, "variance")
    }

    typealias Moments = (
        hl_planes, Int, UnsafeRawPointer?, UnsafePointer<Float>?, UnsafeMutablePointer<Double>?,
        UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Float>?
    ) -> Void

    /// Mean and variance of a block of channels by moments around its first values.
    static func statistics(
        _ planes: hl_planes, _ which: Int, _ x: UnsafeRawPointer, _ moments: Moments = hl_batch_norm_moments
    ) -> (mean: [Float], variance: [Float]) {
        var pivot = [Float](repeating: .nan, count: planes.block), mean = pivot, variance = pivot
        var scratch = [Float](repeating: .nan, count: 4 * planes.block)
        var sum = [Double](repeating: .nan, count: planes.block), square = sum
        hl_batch_norm_pivot(planes, which, x, &pivot)
        moments(planes, which, x, pivot, &sum, &square, &scratch)
        let count = Double(planes.samples * planes.positions)
        hl_batch_norm_statistics(planes.block, count, pivot, sum, square, &mean, &variance)
        return (mean, variance)
    }

    @Test(arguments: layouts) func application(_ layout: Layout) {
        var numbers = Numbers(11)
        let count = layout.samples * layout.channels * layout.positions, channels = layout.blocks * layout.block
        let plain = numbers.eighths(count), other = numbers.eighths(count)
        let scale = numbers.eighths(channels), shift = numbers.eighths(channels)
        let x = layout.pack(plain, filling: 0), residual = layout.pack(other, filling: 0)
        for (withResidual, relu) in [(false, false), (false, true), (true, false), (true, true)] {
            let found = everyClone(
                hl_batch_norm_apply, avx2: hl_batch_norm_apply_avx2, baseline: hl_batch_norm_apply_baseline
            ) { apply in
                var y = [Float](repeating: .nan, count: layout.count)
                forEachBlock(layout) { which, range in
                    apply(
                        layout.planes, which, x, withResidual ? residual : nil, &y, Array(scale[range]),
                        Array(shift[range]), relu ? 1 : 0)
                }
                return y
            }
            let expected = plain.indices.map { index in
                let channel = index / layout.positions % layout.channels
                let y =
                    Double(plain[index]) * Double(scale[channel]) + Double(shift[channel])
                    + (withResidual ? Double(other[index]) : 0)
                return relu ? max(y, 0) : y
            }
            // Eighths: exact.
            expectClose(layout.unpack(found), expected, within: 0, "residual \(withResidual), ReLU \(relu)")
        }
    }

    /// Where ReLU's mask comes from.
    private enum Mask: CaseIterable {
        case none, output, input

        func lets(_ output: Float, _ x: Float, _ scale: Float, _ shift: Float) -> Bool {
            switch self {
            case .none: true
            case .output: output > 0
            case .input: x * scale + shift > 0
            }
        }

        /// `body` with the mask of a block of channels.
        func with(
            _ output: [Float], _ scale: ArraySlice<Float>, _ shift: ArraySlice<Float>, _ body: (hl_relu_mask) -> Void
        ) {
            output.withUnsafeBytes { output in
                scale.withUnsafeBufferPointer { scale in
                    shift.withUnsafeBufferPointer { shift in
                        let isInput = self == .input
                        body(
                            hl_relu_mask(
                                output: self == .output ? output.baseAddress : nil,
                                scale: isInput ? scale.baseAddress : nil, shift: isInput ? shift.baseAddress : nil))
                    }
                }
            }
        }
    }

    /// What happens to the gradient behind ReLU: it is summed, and kept beside or in place, also as the sum of two.
    private enum Fate: CaseIterable { case read, kept, keptInPlace, sum, sumInPlace }

    @Test(arguments: layouts) func sumsOfTheGradient(_ layout: Layout) {
        var numbers = Numbers(12)
        let count = layout.samples * layout.channels * layout.positions, channels = layout.blocks * layout.block
        // Eighths: whether one is above 0 is exact, and so are sums of two.
        let plain = numbers.eighths(count), gradient = numbers.eighths(count), output = numbers.eighths(count)
        let addend = numbers.eighths(count)
        let mean = numbers.floats(channels), scale = numbers.eighths(channels), shift = numbers.eighths(channels)
        let packed = [plain, gradient, output, addend].map { layout.pack($0, filling: 0) }
        for (mask, fate) in Mask.allCases.flatMap({ mask in Fate.allCases.map { (mask, $0) } }) {
            let isSum = fate == .sum || fate == .sumInPlace
            let found: [Double] = everyClone(
                hl_batch_norm_backward_sums, avx2: hl_batch_norm_backward_sums_avx2,
                baseline: hl_batch_norm_backward_sums_baseline
            ) { sums in
                var result: [[Double]] = [[], []]
                var scratch = [Float](repeating: .nan, count: 2 * layout.block)
                var kept =
                    fate == .keptInPlace || fate == .sumInPlace ? packed[1] : [Float](repeating: 0, count: layout.count)
                forEachBlock(layout) { which, range in
                    var sum = [Double](repeating: .nan, count: layout.block), centred = sum
                    kept.withUnsafeMutableBytes { kept in
                        packed[1].withUnsafeBytes { original in
                            let isInPlace = fate == .keptInPlace || fate == .sumInPlace
                            mask.with(packed[2], scale[range], shift[range]) {
                                sums(
                                    layout.planes, which,
                                    isInPlace ? UnsafeRawPointer(kept.baseAddress) : original.baseAddress,
                                    isSum ? packed[3] : nil, $0, packed[0], Array(mean[range]), &sum, &centred,
                                    fate == .read ? nil : kept.baseAddress, &scratch)
                            }
                        }
                    }
                    result[0] += sum
                    result[1] += centred
                }
                return result[0] + result[1] + (fate == .read ? [] : layout.unpack(kept).map { Double($0) })
            }
            var sum = [Double](repeating: 0, count: channels), centred = sum, kept: [Double] = []
            for index in 0..<count {
                let channel = index / layout.positions % layout.channels
                let lets = mask.lets(output[index], plain[index], scale[channel], shift[channel])
                let value = lets ? Double(gradient[index]) + (isSum ? Double(addend[index]) : 0) : 0
                kept.append(value)
                sum[channel] += value
                centred[channel] += value * (Double(plain[index]) - Double(mean[channel]))
            }
            expectClose(Array(found.prefix(channels)), sum, within: 2e-6, "sum, mask \(mask), \(fate)")
            expectClose(
                Array(found[channels..<2 * channels]), centred, within: 2e-6, "centred sum, mask \(mask), \(fate)")
            if fate != .read {
                expectClose(Array(found[(2 * channels)...]), kept, within: 0, "kept, mask \(mask), \(fate)")
            }
        }
    }

    /// A broken activation stays one behind ReLU, and its gradient goes no further than the mask lets it.
    @Test(arguments: [1, 16, 24]) func brokenValuesAreNoticed(_ block: Int) {
        let layout = Layout(1, last: block, 5), ones = [Float](repeating: 1, count: block)
        let zeros = [Float](repeating: 0, count: block)
        for place in [0, layout.count - 1] {
            var x = [Float](repeating: -1, count: layout.count), y = x
            x[place] = .nan
            hl_batch_norm_apply(layout.planes, 0, x, nil, &y, ones, zeros, 1)
            #expect(y.indices.allSatisfy { $0 == place ? y[$0].isNaN : y[$0] == 0 })
            let output = [Float](repeating: 0, count: layout.count)
            var back = x
            Mask.output.with(output, zeros[...], zeros[...]) {
                hl_batch_norm_backward_apply(layout.planes, 0, x, $0, ones + output, &back, ones, zeros, zeros)
            }
            #expect(back == output)
        }
    }

    @Test(arguments: layouts) func gradientOfTheInput(_ layout: Layout) {
        var numbers = Numbers(13)
        let count = layout.samples * layout.channels * layout.positions, channels = layout.blocks * layout.block
        let plain = [numbers.eighths(count), numbers.eighths(count), numbers.eighths(count)]  // x, gradient, y
        let packed = plain.map { layout.pack($0, filling: 0) }
        let (a, b, c) = (numbers.eighths(channels), numbers.eighths(channels), numbers.eighths(channels))
        let scale = numbers.eighths(channels), shift = numbers.eighths(channels)
        for mask in Mask.allCases {
            let found = everyClone(
                hl_batch_norm_backward_apply, avx2: hl_batch_norm_backward_apply_avx2,
                baseline: hl_batch_norm_backward_apply_baseline
            ) { apply in
                var beside = [Float](repeating: .nan, count: layout.count), inPlace = packed[1]
                forEachBlock(layout) { which, range in
                    let coefficients = [a, b, c].map { Array($0[range]) }
                    func run(_ gradient: UnsafeRawPointer, _ input: UnsafeMutableRawPointer) {
                        mask.with(packed[2], scale[range], shift[range]) {
                            apply(
                                layout.planes, which, gradient, $0, packed[0], input, coefficients[0], coefficients[1],
                                coefficients[2])
                        }
                    }
                    run(packed[1], &beside)
                    inPlace.withUnsafeMutableBytes { run($0.baseAddress!, $0.baseAddress!) }
                }
                return layout.unpack(beside) + layout.unpack(inPlace)
            }
            let expected = (0..<count).map { index in
                let channel = index / layout.positions % layout.channels
                let lets = mask.lets(plain[2][index], plain[0][index], scale[channel], shift[channel])
                return Double(a[channel]) * (lets ? Double(plain[1][index]) : 0)
                    + Double(b[channel]) * Double(plain[0][index]) + Double(c[channel])
            }
            // Eighths: exact.
            expectClose(found, expected + expected, within: 0, "mask \(mask)")
        }
    }
}
