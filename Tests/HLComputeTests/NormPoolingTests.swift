import HLCompute
import HLTensor
import TestSupport
import Testing

/// What is done in one pass is to the bit what its parts do one after another.
extension ComputeTests {
    struct NormPoolingTests {
        @Test(arguments: testedBackends, [ElementType.f32, .bf16])
        func normThenPool(_ choice: BackendChoice, _ type: ElementType) throws {
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
                try equal(made.output, expected, "output")
                try equal(whole.mean, parts.mean, "running mean")
                try equal(whole.variance, parts.variance, "running variance")

                let back = backend.batchNormMaxPoolBackward(
                    gradient, output: made.output, chosen: made.chosen, input: x, weight: weight,
                    statistics: made.statistics, window: window)
                for mask in [ReLUMask.norm(y, bias: bias), .output(y)] {
                    let spread = backend.maxPoolBackward(gradient, chosen: places, inputShape: shape, window: window)
                    let apart = backend.batchNormBackward(
                        spread, input: x, relu: mask, weight: weight, statistics: statistics, wantsResidual: false)
                    try equal(back.input, apart.input, "gradient")
                    try equal(back.weight, apart.weight, "gradient of the scale")
                    try equal(back.bias, apart.bias, "gradient of the shift")
                }
            }
        }
    }
}
