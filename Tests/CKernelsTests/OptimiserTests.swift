import CKernels
import CKernelsClones
import Testing

/// Three steps of every optimiser against its equations in Double. Some ten roundings a step: within 1e-6.
struct OptimiserTests {
    static let counts = [0, 1, 19, 256, 5000]
    static let steps = 3

    private struct Run {
        var weights: [Float]
        let gradients: [[Float]]

        init(_ count: Int, seed: Int) {
            var numbers = Numbers(seed)
            weights = numbers.floats(count)
            gradients = (0..<OptimiserTests.steps).map { _ in numbers.floats(count) }
        }

        /// The weights after all steps; `step` gets one weight, one gradient and what is kept for the weight.
        func expected(_ step: (inout Double, Double, inout [Double], Int) -> Void) -> [Double] {
            weights.indices.map { index in
                var weight = Double(weights[index]), kept = [0.0, 0.0]
                for number in 0..<OptimiserTests.steps {
                    step(&weight, Double(gradients[number][index]), &kept, number + 1)
                }
                return weight
            }
        }
    }

    @Test(arguments: counts) func momentum(_ count: Int) {
        let run = Run(count, seed: 3)
        let found = everyClone(hl_sgd, avx2: hl_sgd_avx2, baseline: hl_sgd_baseline) { sgd in
            var weights = run.weights, velocity = [Float](repeating: 0, count: count)
            for gradient in run.gradients { sgd(&weights, gradient, &velocity, 0.1, 0.9, 0.01, count) }
            return weights
        }
        let expected = run.expected { weight, gradient, kept, _ in
            kept[0] = 0.9 * kept[0] + gradient + 0.01 * weight
            weight -= 0.1 * kept[0]
        }
        expectClose(found, expected, within: 1e-6, of: 1)
    }

    /// In the paper's form, with the corrections of the bias written out; with a decay beside it, AdamW.
    @Test(arguments: counts, [1, 0.875] as [Float]) func adam(_ count: Int, _ share: Float) {
        func power(_ base: Double, _ exponent: Int) -> Double {
            (0..<exponent).reduce(1) { product, _ in product * base }
        }
        let run = Run(count, seed: 4)
        let found = everyClone(hl_adam, avx2: hl_adam_avx2, baseline: hl_adam_baseline) { adam in
            var weights = run.weights
            var first = [Float](repeating: 0, count: count), second = first
            for (index, gradient) in run.gradients.enumerated() {
                let corrections = (1 - power(0.9, index + 1), 1 - power(0.999, index + 1))
                adam(
                    &weights, gradient, &first, &second, Float(0.01 / corrections.0), 0.9, 0.999,
                    Float(1 / corrections.1.squareRoot()), 1e-8, share, count)
            }
            return weights
        }
        let expected = run.expected { weight, gradient, kept, step in
            kept[0] = 0.9 * kept[0] + (1 - 0.9) * gradient
            kept[1] = 0.999 * kept[1] + (1 - 0.999) * gradient * gradient
            let first = kept[0] / (1 - power(0.9, step)), second = kept[1] / (1 - power(0.999, step))
            weight *= Double(share)
            weight -= 0.01 * first / (second.squareRoot() + 1e-8)
        }
        expectClose(found, expected, within: 1e-6, of: 1)
    }

    @Test(arguments: counts) func layerwiseRates(_ count: Int) {
        let run = Run(count, seed: 5)
        let found = everyClone(hl_lars, avx2: hl_lars_avx2, baseline: hl_lars_baseline) { lars in
            var weights = run.weights, velocity = [Float](repeating: 0, count: count)
            for gradient in run.gradients { lars(&weights, gradient, &velocity, 0.3, 0.9, 0.02, 0.4, count) }
            return weights
        }
        let expected = run.expected { weight, gradient, kept, _ in
            kept[0] = 0.9 * kept[0] + 0.4 * (gradient + 0.02 * weight)
            weight -= 0.3 * kept[0]
        }
        expectClose(found, expected, within: 1e-6, of: 1)

        let gradient = run.gradients[0]
        let squares = everyClone(hl_lars_squares, avx2: hl_lars_squares_avx2, baseline: hl_lars_squares_baseline) {
            sum in
            var out = [Double](repeating: .nan, count: 2)
            sum(run.weights, gradient, 0.02, count, &out)
            return out
        }
        let pairs = zip(run.weights, gradient).map { (Double($0), Double($1) + 0.02 * Double($0)) }
        expectClose(
            squares, [pairs.reduce(0) { $0 + $1.0 * $1.0 }, pairs.reduce(0) { $0 + $1.1 * $1.1 }], within: 1e-6)
    }

    @Test(arguments: counts) func movingAverage(_ count: Int) {
        let run = Run(count, seed: 6)
        let found = everyClone(hl_average, avx2: hl_average_avx2, baseline: hl_average_baseline) { average in
            var target = run.weights
            for source in run.gradients { average(&target, source, 0.9, count) }
            return target
        }
        expectClose(found, run.expected { target, source, _, _ in target = 0.9 * target + 0.1 * source }, within: 1e-6)
    }
}
