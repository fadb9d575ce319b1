import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

/// What is done in one pass is what its parts do one after another: to the bit, but where sums are taken of windows.
extension ComputeTests {
    struct NormPoolingTests {
        @Test(arguments: testedBackends, [ElementType.f32, .bf16])
        func normThenPool(_ choice: TestedBackend, _ type: ElementType) throws {
            let backend = try choice.make(threads: 2)
            for (channels, groups, window) in [
                (18, 2, Window(size: 3, stride: 2, padding: 1)), (16, 1, Window(size: 2, stride: 2)),
                (40, 4, Window(size: 3, stride: 2, padding: 1)),
            ] {
                let shape = [4, channels, 11, 9], pooled = [4, channels, window.output(11), window.output(9)]
                // As a convolution leaves it.
                let x = backend.converted(
                    backend.convolution(
                        backend.tensor(Formula.centred("x", shape)),
                        weight: backend.tensor(Formula.centred("w", [channels, channels, 1, 1])),
                        window: Window(size: 1)),
                    to: type)
                let gradient = backend.converted(backend.tensor(Formula.centred("g", pooled)), to: type)
                // Scales of either sign.
                let weight = backend.tensor(Formula.centred("weight", [channels]))
                let bias = backend.tensor(Formula.centred("bias", [channels]))
                func running() -> RunningStatistics {
                    RunningStatistics(
                        mean: backend.constant(0, shape: [channels]), variance: backend.constant(1, shape: [channels]))
                }
                let parts = running(), whole = running()
                let (y, statistics) = backend.batchNorm(
                    x, weight: weight, bias: bias, running: parts, epsilon: 1e-5, groups: groups, residual: nil,
                    relu: true)
                let (expected, places) = backend.maxPool(y, window: window)
                let made = backend.batchNormMaxPool(
                    x, weight: weight, bias: bias, running: whole, epsilon: 1e-5, groups: groups, window: window)
                func equal(_ a: Tensor, _ b: Tensor, _ what: String) throws {
                    let (a, b) = (try backend.read(a), try backend.read(b))
                    let same =
                        a.type == .f32
                        ? a.floats == b.floats : a.withUnsafeBytes { a in b.withUnsafeBytes { a.elementsEqual($0) } }
                    #expect(same, "\(what), \(channels) channels")
                }
                // On a processor sums over windows, not over places, and in BF16 of gradients not rounded in between.
                func close(_ a: Tensor, _ b: Tensor, _ what: String) throws {
                    guard backend is CPUBackend else { return try equal(a, b, what) }
                    let a = try backend.read(backend.converted(a, to: .f32)).floats
                    let b = try backend.read(backend.converted(b, to: .f32)).floats
                    let distance = zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
                    let largest = b.map(abs).max() ?? 0
                    #expect(a.count == b.count && largest > 0, "\(what), \(channels) channels")
                    #expect(distance <= (type == .f32 ? 1e-5 : 1 / 128) * largest, "\(what), \(channels) channels")
                }
                try equal(made.output, expected, "output")
                try equal(whole.mean, parts.mean, "running mean")
                try equal(whole.variance, parts.variance, "running variance")

                let back = backend.batchNormMaxPoolBackward(
                    gradient, output: made.output, chosen: made.chosen, input: x, weight: weight,
                    statistics: made.statistics, window: window)
                for mask in [ReLUMask.norm(y, bias: bias), .output(y)] {
                    let spread = backend.maxPoolBackward(gradient, chosen: places, inputShape: shape, window: window)
                    let apart = backend.batchNormBackward(
                        spread, adding: nil, input: x, relu: mask, weight: weight, statistics: statistics,
                        wantsResidual: false)
                    try close(back.input, apart.input, "gradient")
                    try close(back.weight, apart.weight, "gradient of the scale")
                    try close(back.bias, apart.bias, "gradient of the shift")
                }
            }
        }

        /// Two gradients are summed up on the way, with ReLU and a residual behind the norm.
        @Test(arguments: testedBackends, [ElementType.f32, .bf16])
        func sumOfGradients(_ choice: TestedBackend, _ type: ElementType) throws {
            let backend = try choice.make(threads: 2), shape = [4, 18, 5, 7]
            func activation(_ name: String) -> Tensor {
                backend.converted(backend.tensor(Formula.centred(name, shape)), to: type)
            }
            let x = activation("x"), residual = activation("r"), one = activation("a"), other = activation("b")
            let weight = backend.tensor(Formula.centred("weight", [18]))
            let running = RunningStatistics(
                mean: backend.constant(0, shape: [18]), variance: backend.constant(1, shape: [18]))
            for (hasResidual, relu) in [(true, true), (true, false), (false, true), (false, false)] {
                let (y, statistics) = backend.batchNorm(
                    x, weight: weight, bias: nil, running: running, epsilon: 1e-5, groups: 2,
                    residual: hasResidual ? residual : nil, relu: relu)
                let mask: ReLUMask? = !relu ? nil : hasResidual ? .output(y) : .norm(y, bias: nil)
                func back(_ gradient: Tensor, _ addend: Tensor?) -> BatchNormGradients {
                    backend.batchNormBackward(
                        gradient, adding: addend, input: x, relu: mask, weight: weight, statistics: statistics,
                        wantsResidual: hasResidual)
                }
                let sum = backend.copy(one)
                backend.accumulate(other, into: sum)
                let expected = back(sum, nil), found = back(backend.copy(one), other)
                for (a, b) in [
                    (found.input, expected.input), (found.weight, expected.weight), (found.bias, expected.bias),
                    (found.residual, expected.residual),
                ] as [(Tensor?, Tensor?)] {
                    #expect((a == nil) == (b == nil))
                    guard let a, let b else { continue }
                    #expect(try backend.read(a).floats == backend.read(b).floats, "\(hasResidual), \(relu)")
                }
            }
        }
    }
}
