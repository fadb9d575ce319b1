import CKernels
import CKernelsClones
import Testing

/// bf16: its rounding bit by bit, and kernels on bf16 beside those on f32, whose results rounded once they must be.
struct NarrowTests {
    private typealias BackwardApply = (
        hl_planes, Int, UnsafeRawPointer?, hl_relu_mask, UnsafeRawPointer?, UnsafeMutableRawPointer?,
        UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?
    ) -> Void

    private typealias BackwardSums = (
        hl_planes, Int, UnsafeRawPointer?, UnsafeRawPointer?, hl_relu_mask, UnsafeRawPointer?, UnsafePointer<Float>?,
        UnsafeMutablePointer<Double>?, UnsafeMutablePointer<Double>?, UnsafeMutableRawPointer?,
        UnsafeMutablePointer<Float>?
    ) -> Void

    /// The nearest of the two neighbours in bf16, the even one of two that are as near.
    private static func nearest(_ value: Float) -> UInt16 {
        if value.isNaN { return UInt16(value.bitPattern >> 16) | 0x40 }
        let lower = UInt16(value.bitPattern >> 16)
        let rest = value.bitPattern & 0xffff
        return rest > 0x8000 || rest == 0x8000 && lower & 1 == 1 ? lower + 1 : lower
    }

    private static func narrowed(_ values: [Float]) -> [UInt16] { values.map(nearest) }

    private static func widened(_ values: [UInt16]) -> [Float] { values.map { Float(bitPattern: UInt32($0) << 16) } }

    /// Values that bf16 has.
    private static func numbers(_ seed: Int, _ count: Int) -> [UInt16] {
        var numbers = Numbers(seed)
        return narrowed(numbers.floats(count))
    }

    @Test func everyNumberIsRoundedToTheNearest() {
        // Every upper half, with the lower halves at which rounding turns.
        let lower: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]
        let values = (0...0xffff as ClosedRange<UInt32>).flatMap { upper in
            lower.map { Float(bitPattern: upper << 16 | $0) }
        }
        let found = everyClone(hl_narrow, avx2: hl_narrow_avx2, baseline: hl_narrow_baseline) { narrow in
            var out = [UInt16](repeating: 1, count: values.count)
            narrow(values, &out, values.count)
            return out
        }
        #expect(found == Self.narrowed(values))
        // The greatest f32 lies nearer to infinity than to the greatest bf16, as PyTorch has it.
        #expect(Self.nearest(.greatestFiniteMagnitude) == 0x7f80)
        let all = (0...0xffff).map { UInt16($0) }
        let wide = everyClone(hl_widen_values, avx2: hl_widen_values_avx2, baseline: hl_widen_values_baseline) {
            widen in
            var out = [Float](repeating: 1, count: all.count)
            widen(all, &out, all.count)
            return out.map(\.bitPattern)
        }
        #expect(wide == all.map { UInt32($0) << 16 })
    }

    @Test(arguments: ElementwiseTests.counts) func flatLoops(_ count: Int) {
        let a = Self.numbers(1, count), b = Self.numbers(2, count)
        let (x, y) = (Self.widened(a), Self.widened(b))
        func run(_ body: (inout [UInt16]) -> Void) -> [UInt16] {
            var out = [UInt16](repeating: 0x7fc0, count: count)
            body(&out)
            return out
        }
        let sum = everyClone(hl_add_narrow, avx2: hl_add_narrow_avx2, baseline: hl_add_narrow_baseline) { add in
            run { add(a, b, &$0, count) }
        }
        #expect(sum == Self.narrowed(zip(x, y).map(+)))
        let scaled = everyClone(hl_scale_narrow, avx2: hl_scale_narrow_avx2, baseline: hl_scale_narrow_baseline) {
            scale in run { scale(-1.7, a, &$0, count) }
        }
        #expect(scaled == Self.narrowed(x.map { -1.7 * $0 }))
        let positive = everyClone(hl_relu_narrow, avx2: hl_relu_narrow_avx2, baseline: hl_relu_narrow_baseline) {
            relu in run { relu(a, &$0, count) }
        }
        #expect(positive == Self.narrowed(x.map { max($0, 0) }))
        let back = everyClone(
            hl_relu_backward_narrow, avx2: hl_relu_backward_narrow_avx2, baseline: hl_relu_backward_narrow_baseline
        ) { relu in run { relu(positive, b, &$0, count) } }
        #expect(back == Self.narrowed(zip(x, y).map { $0 > 0 ? $1 : 0 }))
    }

    static let layouts = [
        Layout(2, 3, 7, block: 1), Layout(3, 16, 9, block: 16), Layout(2, 21, 6, block: 16), Layout(2, 11, 5, block: 8),
        Layout(2, last: 3, 7), Layout(2, last: 48, 6), Layout(1, last: 27, 5), Layout(1, last: 1024, 9),
        Layout(2, last: 100, 45),
        Layout(2, 64, 5, block: 32, isCut: true),
    ]

    /// Vectors are rounded as single values are: every upper half, with the lower halves at which rounding turns.
    @Test func vectorsAreRoundedToTheNearest() {
        let lower: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff], upper = (0...0xffff).map { UInt16($0) }
        let scale = [Float](repeating: 0, count: 16)
        for half in lower {
            // The shift is the value, a position and 16 channels at a time, and what is multiplied is 0.
            let found = everyClone(
                hl_batch_norm_apply, avx2: hl_batch_norm_apply_avx2, baseline: hl_batch_norm_apply_baseline
            ) { apply in
                let zeros = [UInt16](repeating: 0, count: 16)
                return (0..<upper.count / 16).flatMap { position in
                    var y = zeros
                    let values = upper[16 * position..<16 * (position + 1)].map {
                        Float(bitPattern: UInt32($0) << 16 | half)
                    }
                    apply(Layout(1, 16, 1, block: 16).narrow, 0, zeros, nil, &y, scale, values, 0)
                    return y
                }
            }
            let values = upper.map { Float(bitPattern: UInt32($0) << 16 | half) }
            // 0 added to -0 is 0, and to NaN a quiet one.
            #expect(found == Self.narrowed(values.map { 0 + $0 }))
        }
    }

    /// The gradient behind every mask, read or kept, in place or not.
    @Test(arguments: layouts) func sumsOfTheGradient(_ layout: Layout) {
        let count = layout.count, block = layout.block
        let x = Self.numbers(13, count), gradient = Self.numbers(14, count), y = Self.numbers(15, count)
        var numbers = Numbers(16)
        let (scale, shift, mean) = (numbers.floats(block), numbers.floats(block), numbers.floats(block))
        let (wideX, wideGradient, wideY) = (Self.widened(x), Self.widened(gradient), Self.widened(y))
        for which in 0..<layout.blocks {
            for mask in 0..<3 {
                for keeps in [false, true] {
                    func sums(
                        _ kernel: BackwardSums, _ planes: hl_planes, _ g: UnsafeRawPointer, _ y: UnsafeRawPointer,
                        _ x: UnsafeRawPointer, _ kept: UnsafeMutableRawPointer
                    ) -> [Double] {
                        var sum = [Double](repeating: .nan, count: block), centred = sum
                        var scratch = [Float](repeating: .nan, count: 2 * block)
                        scale.withUnsafeBufferPointer { scale in
                            shift.withUnsafeBufferPointer { shift in
                                let relu = hl_relu_mask(
                                    output: mask == 1 ? y : nil, scale: mask == 2 ? scale.baseAddress : nil,
                                    shift: mask == 2 ? shift.baseAddress : nil)
                                kernel(
                                    planes, which, g, nil, relu, x, mean, &sum, &centred, keeps ? kept : nil, &scratch)
                            }
                        }
                        return sum + centred
                    }
                    var wideKept = wideGradient
                    let expected = sums(
                        hl_batch_norm_backward_sums, layout.planes, wideGradient, wideY, wideX, &wideKept)
                    let found = everyClone(
                        hl_batch_norm_backward_sums, avx2: hl_batch_norm_backward_sums_avx2,
                        baseline: hl_batch_norm_backward_sums_baseline
                    ) { kernel in
                        var kept = gradient
                        let found = kept.withUnsafeMutableBytes { kept in
                            kept.baseAddress.map { sums(kernel, layout.narrow, $0, y, x, $0) } ?? []
                        }
                        return found + Self.widened(kept).map(Double.init)
                    }
                    #expect(found == expected + wideKept.map(Double.init))
                }
            }
        }
    }

    @Test(arguments: layouts) func batchNorm(_ layout: Layout) {
        let count = layout.count, block = layout.block
        let x = Self.numbers(3, count), residual = Self.numbers(4, count), gradient = Self.numbers(5, count)
        let (wideX, wideResidual, wideGradient) = (Self.widened(x), Self.widened(residual), Self.widened(gradient))
        var numbers = Numbers(6)
        let (a, b, c) = (numbers.floats(block), numbers.floats(block), numbers.floats(block))
        var scratch = [Float](repeating: 0, count: 4 * block)
        for which in 0..<layout.blocks {
            func statistics(_ planes: hl_planes, _ values: UnsafeRawPointer) -> [Float] {
                let found = BatchNormTests.statistics(planes, which, values)
                return found.mean + found.variance
            }
            #expect(statistics(layout.narrow, x) == statistics(layout.planes, wideX))
            for relu in [0, 1] as [Int32] {
                var expected = [Float](repeating: 0, count: count)
                hl_batch_norm_apply(layout.planes, which, wideX, wideResidual, &expected, a, b, relu)
                let y = everyClone(
                    hl_batch_norm_apply, avx2: hl_batch_norm_apply_avx2, baseline: hl_batch_norm_apply_baseline
                ) { apply in
                    var y = [UInt16](repeating: 0, count: count)
                    apply(layout.narrow, which, x, residual, &y, a, b, relu)
                    return y
                }
                #expect(y == Self.narrowed(expected))
                let mask = Self.widened(y), wideAddend = wideResidual
                func sums(
                    _ planes: hl_planes, _ g: UnsafeRawPointer, _ addend: UnsafeRawPointer, _ y: UnsafeRawPointer,
                    _ x: UnsafeRawPointer, _ kept: UnsafeMutableRawPointer
                ) -> [Double] {
                    var sum = [Double](repeating: .nan, count: block), centred = sum
                    hl_batch_norm_backward_sums(
                        planes, which, g, addend, hl_relu_mask(output: y, scale: nil, shift: nil), x, c, &sum, &centred,
                        kept, &scratch)
                    return sum + centred
                }
                // The sum of two is rounded, as one that is stored, before it is summed up.
                let stored = Self.widened(Self.narrowed(zip(wideGradient, wideAddend).map { $0 + $1 }))
                var kept = [UInt16](repeating: 0, count: count), wideKept = [Float](repeating: 0, count: count)
                let zeros = [Float](repeating: 0, count: count)
                #expect(
                    sums(layout.narrow, gradient, residual, y, x, &kept)
                        == sums(layout.planes, stored, zeros, mask, wideX, &wideKept))
                #expect(kept == Self.narrowed(wideKept))
                func back(
                    _ apply: BackwardApply, _ planes: hl_planes, _ g: UnsafeRawPointer, _ y: UnsafeRawPointer,
                    _ x: UnsafeRawPointer, _ input: UnsafeMutableRawPointer
                ) {
                    apply(planes, which, g, hl_relu_mask(output: y, scale: nil, shift: nil), x, input, a, b, c)
                }
                var input = [Float](repeating: 0, count: count)
                back(hl_batch_norm_backward_apply, layout.planes, wideGradient, mask, wideX, &input)
                let found = everyClone(
                    hl_batch_norm_backward_apply, avx2: hl_batch_norm_backward_apply_avx2,
                    baseline: hl_batch_norm_backward_apply_baseline
                ) { apply in
                    var input = [UInt16](repeating: 0, count: count)
                    back(apply, layout.narrow, gradient, y, x, &input)
                    return input
                }
                #expect(found == Self.narrowed(input))
            }
        }
    }

    @Test(arguments: layouts) func layoutsAndMeans(_ layout: Layout) {
        let plain = Self.numbers(7, layout.samples * layout.channels * layout.positions)
        let packed = everyClone(hl_block, avx2: hl_block_avx2, baseline: hl_block_baseline) { pack in
            var packed = [UInt16](repeating: 9, count: layout.count)
            pack(layout.narrow, layout.channels, 0, layout.samples, plain, &packed)
            return packed
        }
        #expect(packed == layout.pack(plain, filling: 0))
        let unpacked = everyClone(hl_unblock, avx2: hl_unblock_avx2, baseline: hl_unblock_baseline) { unpack in
            var unpacked = [UInt16](repeating: 9, count: plain.count)
            unpack(layout.narrow, layout.channels, 0, layout.samples, packed, &unpacked)
            return unpacked
        }
        #expect(unpacked == plain)
        func means(_ planes: hl_planes, _ values: UnsafeRawPointer) -> [Float] {
            var means = [Float](repeating: .nan, count: layout.samples * layout.channels)
            hl_average_pool(planes, layout.channels, 0, layout.samples, values, &means)
            return means
        }
        let wide = means(layout.planes, Self.widened(packed))
        #expect(means(layout.narrow, packed) == wide)
        var back = [Float](repeating: 9, count: layout.count), narrow = [UInt16](repeating: 9, count: layout.count)
        hl_average_pool_backward(layout.planes, layout.channels, 0, layout.samples, wide, &back)
        hl_average_pool_backward(layout.narrow, layout.channels, 0, layout.samples, wide, &narrow)
        #expect(narrow == Self.narrowed(back))
    }

    @Test(arguments: PoolingTests.poolings) func maxima(_ p: PoolingTests.Pooling) {
        let x = Self.numbers(8, p.input.count), planes = 2 * p.input.blocks
        var wideY = [Float](repeating: 0, count: p.output.count),
            wideChosen = [UInt8](repeating: 0, count: p.output.count)
        hl_max_pool(
            Self.widened(x), &wideY, &wideChosen, 0, planes, p.height, p.width, p.block, p.window, p.stride, p.padding,
            0)
        var y = [UInt16](repeating: 0, count: p.output.count), chosen = wideChosen.map { _ in 255 as UInt8 }
        hl_max_pool(x, &y, &chosen, 0, planes, p.height, p.width, p.block, p.window, p.stride, p.padding, 1)
        #expect(y == Self.narrowed(wideY) && chosen == wideChosen)
        // Eighths add up without rounding.
        var numbers = Numbers(9)
        let gradient = numbers.eighths(p.output.count)
        var wideBack = [Float](repeating: 9, count: p.input.count), back = [UInt16](repeating: 9, count: p.input.count)
        hl_max_pool_backward(
            gradient, chosen, &wideBack, 0, planes, p.height, p.width, p.block, p.window, p.stride, p.padding, 0)
        hl_max_pool_backward(
            Self.narrowed(gradient), chosen, &back, 0, planes, p.height, p.width, p.block, p.window, p.stride,
            p.padding,
            1)
        #expect(back == Self.narrowed(wideBack))
    }
}
