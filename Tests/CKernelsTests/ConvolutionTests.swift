import CKernels
import CKernelsClones
import Testing

/// What convolutions are made of, against plain loops.
struct ConvolutionTests {
    struct Shape: Sendable {
        let channels, height, width, kernel, stride, padding, trailing: Int

        init(
            _ channels: Int, _ height: Int, _ width: Int, _ kernel: Int, _ stride: Int, _ padding: Int,
            _ trailing: Int = 0
        ) {
            (self.channels, self.height, self.width) = (channels, height, width)
            (self.kernel, self.stride, self.padding, self.trailing) = (kernel, stride, padding, trailing)
        }

        var outHeight: Int { (height + 2 * padding + trailing - kernel) / stride + 1 }
        var outWidth: Int { (width + 2 * padding + trailing - kernel) / stride + 1 }

        /// Where in the image an entry of the columns comes from, or nil for the zeros around it.
        func source(_ index: Int) -> Int? {
            let position = index % (outHeight * outWidth), depth = index / (outHeight * outWidth)
            let tap = depth % (kernel * kernel), channel = depth / (kernel * kernel)
            let row = position / outWidth * stride + tap / kernel - padding
            let column = position % outWidth * stride + tap % kernel - padding
            guard (0..<height).contains(row), (0..<width).contains(column) else { return nil }
            return (channel * height + row) * width + column
        }
    }

    @Test(arguments: [
        Shape(3, 7, 5, 3, 1, 1), Shape(1, 1, 1, 1, 1, 0), Shape(2, 9, 9, 7, 2, 3), Shape(4, 5, 6, 1, 2, 0),
        Shape(2, 4, 3, 3, 2, 0), Shape(1, 1, 8, 3, 1, 1), Shape(0, 4, 4, 3, 1, 1), Shape(2, 8, 6, 3, 2, 0, 1),
        Shape(1, 4, 7, 5, 2, 1, 1),
    ])
    func columns(_ shape: Shape) {
        var numbers = Numbers(50)
        let size = shape.channels * shape.height * shape.width
        let count = shape.channels * shape.kernel * shape.kernel * shape.outHeight * shape.outWidth
        let image = numbers.eighths(size), gradient = numbers.eighths(count)
        var columns = [Float](repeating: .nan, count: count), back = [Float](repeating: .nan, count: size)
        hl_im2col(
            image, &columns, shape.channels, shape.height, shape.width, shape.kernel, shape.stride, shape.padding,
            shape.trailing)
        #expect(columns == (0..<count).map { shape.source($0).map { image[$0] } ?? 0 })
        hl_col2im(
            gradient, &back, shape.channels, shape.height, shape.width, shape.kernel, shape.stride, shape.padding,
            shape.trailing)
        var expected = [Double](repeating: 0, count: size)
        for index in 0..<count { if let place = shape.source(index) { expected[place] += Double(gradient[index]) } }
        expectClose(back, expected, within: 0)  // eighths: exact
    }

    /// Nine products and eight sums a tap: within 1e-6.
    @Test(arguments: [0, 1, 5, 40], [4, 9]) func kernelsOfPhases(_ count: Int, _ taps: Int) {
        var numbers = Numbers(51)
        let columns = taps == 4 ? 16 : 48
        let source = numbers.floats(9 * count), matrix = numbers.floats(9 * columns)
        let found = everyClone(
            hl_combine_kernels, avx2: hl_combine_kernels_avx2, baseline: hl_combine_kernels_baseline
        ) { combine in
            var target = [Float](repeating: .nan, count: 4 * count * taps)
            combine(source, &target, count, matrix, taps)
            return target
        }
        var expected: [Double] = []
        for phase in 0..<4 {
            for n in 0..<count {
                for tap in 0..<taps {
                    expected.append(
                        (0..<9).reduce(0) {
                            $0 + Double(matrix[$1 * columns + phase * taps + tap]) * Double(source[n * 9 + $1])
                        })
                }
            }
        }
        expectClose(found, expected, within: 1e-6)
    }

    /// Rows of activations times a small matrix, in every layout. Sums of up to 70 products: within 2e-6.
    @Test(
        arguments: [
            Layout(1, 5, 7, block: 1), Layout(1, 70, 3, block: 1), Layout(1, 32, 67, block: 16),
            Layout(1, 16, 1, block: 16),
            Layout(1, 20, 9, block: 16), Layout(1, 8, 130, block: 8), Layout(1, 13, 6, block: 8),
            Layout(1, last: 64, 70), Layout(1, last: 21, 6), Layout(1, 96, 9, block: 32, isCut: true),
        ], [1, 3, 4])
    func mixing(_ layout: Layout, _ outputs: Int) {
        var numbers = Numbers(52)
        let positions = layout.positions, padded = layout.blocks * layout.block
        let plain = numbers.floats(layout.channels * positions), x = layout.pack(plain, filling: 0)
        let rows = (0..<outputs).map { _ in numbers.floats(layout.channels) }
        let weights = rows.flatMap { $0 + [Float](repeating: 0, count: padded - layout.channels) }
        let y = everyClone(hl_mix_channels, avx2: hl_mix_channels_avx2, baseline: hl_mix_channels_baseline) { mix in
            var y = [Float](repeating: .nan, count: outputs * positions)
            let cut = positions / 2
            mix(layout.planes, x, weights, outputs, 0, cut, &y)
            mix(layout.planes, x, weights, outputs, cut, positions, &y)
            return y
        }
        var sums: [Double] = []
        for row in rows {
            for i in 0..<positions {
                sums.append(
                    (0..<layout.channels).reduce(0) { $0 + Double(row[$1]) * Double(plain[$1 * positions + i]) })
            }
        }
        expectClose(y, sums, within: 2e-6)

        let gradient = numbers.floats(outputs * positions)
        let back = everyClone(
            hl_mix_channels_backward, avx2: hl_mix_channels_backward_avx2, baseline: hl_mix_channels_backward_baseline
        ) { mix in
            var input = [Float](repeating: .nan, count: layout.count)
            var weight = [Float](repeating: .nan, count: weights.count)
            for which in 0..<layout.blocks {
                mix(layout.planes, which, x, weights, outputs, gradient, &input, &weight)
            }
            return layout.unpack(input) + weight
        }
        var onInput = [Double](repeating: 0, count: plain.count),
            onWeights = [Double](repeating: 0, count: weights.count)
        for o in 0..<outputs {
            for c in 0..<layout.channels {
                for i in 0..<positions {
                    let g = Double(gradient[o * positions + i])
                    onInput[c * positions + i] += Double(rows[o][c]) * g
                    onWeights[o * padded + c] += Double(plain[c * positions + i]) * g
                }
            }
        }
        expectClose(Array(back.prefix(plain.count)), onInput, within: 2e-6, "input")
        expectClose(Array(back.suffix(weights.count)), onWeights, within: 2e-6, "weights")
    }
}
