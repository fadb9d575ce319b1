import CKernels
import CKernelsClones
import Testing

/// y = act(x · scale + shift + noise) · gain, its arrangements in phases and its way back, against plain loops. Eighths
/// and powers of two: every value is exact, at the kinks too, and so are the sums.
struct ModulationTests {
    struct Case: Sendable, CustomStringConvertible {
        let channels, block, height, width: Int
        /// 0 as they are, 1 in phases, 2 in overlapping ones.
        let arrangement: Int
        /// Whether the coefficients and the noise are there, and differ from sample to sample.
        let given, perSample: Bool
        /// Whether all channels of a position lie together.
        var isLast = false

        var output: Layout { Layout(2, channels, height * width, block: block, isCut: isLast) }
        var overlap: Int { arrangement == 2 ? 1 : 0 }
        var isMatrix: Bool { block == channels && height * width == 1 }
        var description: String {
            "\(channels) channels in blocks of \(block), \(height) × \(width), arrangement \(arrangement), \(given)"
                + (isLast ? ", last" : "")
        }

        /// Values of x in memory, and where the one for a place of y lies.
        var inputCount: Int {
            guard arrangement > 0 else { return output.count }
            return 2 * 4 * output.blocks * block * (height / 2 + overlap) * (width / 2 + overlap)
        }
        var sourceStep: Int { isLast && arrangement > 0 ? 4 * output.step : output.step }
        func source(_ n: Int, _ c: Int, _ row: Int, _ column: Int) -> Int {
            guard arrangement > 0 else { return output.index(n, c, row * width + column) }
            let (p, q) = (row % 2, column % 2), phase = 2 * p + q
            let pitch = width / 2 + overlap, plane = (height / 2 + overlap) * pitch
            let position = (row / 2 + overlap * p) * pitch + column / 2 + overlap * q
            if isLast { return (n * plane + position) * sourceStep + phase * channels + c }
            return ((n * 4 * output.blocks + phase * output.blocks + c / block) * plane + position) * block + c % block
        }
    }

    static let cases: [Case] =
        [
            (16, 16, false), (32, 16, false), (8, 8, false), (3, 1, false), (6, 3, false), (3, 3, true), (4, 4, true),
            (16, 16, true), (40, 40, true), (128, 64, true), (96, 32, true),
        ].flatMap { channels, block, isLast in
            [(2, 4, 0), (1, 7, 0), (4, 6, 1), (2, 2, 1), (4, 2, 2)].flatMap { height, width, arrangement in
                [(false, false), (true, false), (true, true)].map { given, perSample in
                    Case(
                        channels: channels, block: block, height: height, width: width, arrangement: arrangement,
                        given: given, perSample: perSample, isLast: isLast)
                }
            }
        }
        + [1, 5, 8, 16, 17, 40].map {
            Case(channels: $0, block: $0, height: 1, width: 1, arrangement: 0, given: true, perSample: true)
        }

    static let activation = hl_activation(slope: 0.25, gain: 2, clamp: 1.5)

    private struct Coefficients {
        let scale, shift, gain, noise: [Float]

        init(_ c: Case) {
            var numbers = Numbers(60)
            let samples = c.perSample ? 2 : 1
            (scale, shift, gain) = (
                numbers.eighths(samples * c.channels), numbers.eighths(samples * c.channels),
                numbers.eighths(samples * c.channels)
            )
            noise = numbers.eighths(samples * c.height * c.width)
        }

        /// Calls `body` with the kernels' description of it.
        func with<Result>(_ c: Case, _ body: (inout hl_modulation) -> Result) -> Result {
            scale.withUnsafeBufferPointer { scale in
                shift.withUnsafeBufferPointer { shift in
                    gain.withUnsafeBufferPointer { gain in
                        noise.withUnsafeBufferPointer { noise in
                            let stride = c.perSample ? c.channels : 0
                            var m = hl_modulation(
                                out: c.output.planes, width: c.width, phases: c.arrangement > 0 ? 1 : 0,
                                overlap: c.overlap, source_step: c.sourceStep, activation: ModulationTests.activation,
                                scale: c.given ? scale.baseAddress : nil, shift: c.given ? shift.baseAddress : nil,
                                gain: c.given ? gain.baseAddress : nil, scale_stride: stride, shift_stride: stride,
                                gain_stride: stride, noise: c.given ? noise.baseAddress : nil,
                                noise_stride: c.perSample ? c.height * c.width : 0)
                            return body(&m)
                        }
                    }
                }
            }
        }

        /// Calls `body` for every place of y with its index there and in x, its channel among all samples' and the four
        /// coefficients.
        func forEach(_ c: Case, _ body: (Int, Int, Int, (scale: Double, shift: Double, gain: Double)) -> Void) {
            for n in 0..<2 {
                for channel in 0..<c.channels {
                    let at = (c.perSample ? n * c.channels : 0) + channel
                    for position in 0..<c.height * c.width {
                        let noise = noise[(c.perSample ? n * c.height * c.width : 0) + position]
                        body(
                            c.output.index(n, channel, position),
                            c.source(n, channel, position / c.width, position % c.width), n * c.channels + channel,
                            c.given
                                ? (Double(scale[at]), Double(shift[at]) + Double(noise), Double(gain[at])) : (1, 0, 1))
                    }
                }
            }
        }
    }

    @Test(arguments: cases) func forward(_ c: Case) {
        var numbers = Numbers(61)
        let x = numbers.eighths(c.inputCount), coefficients = Coefficients(c)
        let found = everyClone(hl_modulate, avx2: hl_modulate_avx2, baseline: hl_modulate_baseline) { modulate in
            var y = [Float](repeating: .nan, count: c.output.count)
            coefficients.with(c) { for task in 0..<2 * c.output.blocks { modulate(&$0, task, x, &y) } }
            return y
        }
        var expected = [Double](repeating: .nan, count: c.output.count)
        coefficients.forEach(c) { target, source, _, k in
            let u = Double(x[source]) * k.scale + k.shift
            expected[target] = min(max((u > 0 ? u : 0.25 * u) * 2, -1.5), 1.5) * k.gain
        }
        expectClose(found, expected, within: 0)
    }

    @Test(arguments: cases) func backward(_ c: Case) {
        var numbers = Numbers(62)
        let x = numbers.eighths(c.inputCount), gradient = numbers.eighths(c.output.count)
        let coefficients = Coefficients(c), size = 2 * c.channels
        let found = everyClone(
            hl_modulate_backward, avx2: hl_modulate_backward_avx2, baseline: hl_modulate_backward_baseline
        ) { back in
            // Overlapping phases leave places of x without a gradient.
            var input = [Float](repeating: 0, count: x.count)
            var scale = [Float](repeating: .nan, count: size), shift = scale, gain = scale
            coefficients.with(c) { m in
                for task in 0..<2 * c.output.blocks {
                    back(&m, task, x, gradient, &input, &scale, &shift, &gain)
                    // Sums that nobody wants are left out.
                    back(&m, task, x, gradient, &input, nil, nil, nil)
                }
            }
            return input + scale + shift + gain
        }
        var input = [Double](repeating: 0, count: x.count), sums = [Double](repeating: 0, count: 3 * size)
        coefficients.forEach(c) { target, source, channel, k in
            let value = Double(x[source]), g = Double(gradient[target]), u = value * k.scale + k.shift
            let v = (u > 0 ? u : 0.25 * u) * 2, kept = min(max(v, -1.5), 1.5)
            let d = g * k.gain * (kept != v ? 0 : u > 0 ? 2 : 0.5)
            input[source] = d * k.scale
            sums[channel] += d * value
            sums[size + channel] += d
            sums[2 * size + channel] += g * kept
        }
        expectClose(found, input + sums, within: 0)
    }

    @Test func brokenValuesStay() {
        let y = everyClone(hl_modulate, avx2: hl_modulate_avx2, baseline: hl_modulate_baseline) { modulate in
            var y: [Float] = [0, 0, 0]
            var m = hl_modulation(
                out: hl_planes(samples: 1, blocks: 1, positions: 3, block: 1, step: 1, narrow: 0), width: 3, phases: 0,
                overlap: 0, source_step: 1, activation: Self.activation, scale: nil, shift: nil, gain: nil,
                scale_stride: 0, shift_stride: 0,
                gain_stride: 0, noise: nil, noise_stride: 0)
            modulate(&m, 0, [.nan, .infinity, -.infinity] as [Float], &y)
            return y
        }
        #expect(y[0].isNaN && y[1] == 1.5 && y[2] == -1.5)
    }
}
