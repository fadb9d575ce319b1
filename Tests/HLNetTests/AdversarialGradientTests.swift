import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// The layers and operations of adversarial training against directional derivatives, as `GradientTests`.
    struct AdversarialGradientTests {
        private let gradients = GradientTests()

        @Test(arguments: testedBackends)
        func convolutionsWithVariableWeights(_ choice: TestedBackend) throws {
            let forms: [(Pass, Variable, Variable) -> Variable] = [
                { $0.convolution($1, weight: $2, Window(size: 3, padding: 1)) },
                { $0.pooledConvolution($1, weight: $2) }, { $0.upsamplingConvolution($1, weight: $2) },
            ]
            for (channels, outputs) in [(16, 32), (5, 3)] {
                for (index, form) in forms.enumerated() {
                    // Linear in either argument, so that a long step costs nothing.
                    try gradients.check(choice, [[2, channels, 6, 6], [outputs, channels, 3, 3]], step: 1) {
                        trial, values in
                        let variables = values.map { trial.input($0) }
                        let y = form(trial.pass, try trial.asActivation(variables[0]), variables[1])
                        #expect(y.shape == [2, outputs, [6, 3, 12][index], [6, 3, 12][index]])
                        return (y, variables)
                    }
                }
            }
        }

        @Test(arguments: testedBackends)
        func productsWithVariableWeights(_ choice: TestedBackend) throws {
            try gradients.check(choice, [[6, 30], [17, 30], [17]], step: 1) { trial, values in
                let variables = values.map { trial.input($0) }
                return (trial.pass.linear(variables[0], weight: variables[1], bias: variables[2]), variables)
            }
            try gradients.check(choice, [[4, 9]], step: 1) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.mixed(trial.backend.tensor(Formula.centred("factors", [3, 4])), x), [x])
            }
        }

        @Test(arguments: testedBackends)
        func rearrangements(_ choice: TestedBackend) throws {
            try gradients.check(choice, [[5, 7], [5, 4]], step: 1) { trial, values in
                let variables = values.map { trial.input($0) }
                return (trial.pass.joinedColumns(variables[0], variables[1]), variables)
            }
            try gradients.check(choice, [[5, 7]], step: 1) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.rows(x, 2..<4), [x])
            }
            let forms: [(Pass, Variable) -> Variable] = [{ $0.upsampled($1) }, { $0.averageSquares($1) }]
            for form in forms {
                try gradients.check(choice, [[2, 16, 4, 6]], step: 1) { trial, values in
                    let x = trial.input(values[0])
                    return (form(trial.pass, try trial.asActivation(x)), [x])
                }
            }
            try gradients.check(choice, [[3, 3, 8, 8]], step: 1) { trial, values in
                let x = trial.input(values[0])
                var changes = [DifferentiableAugmentation](repeating: .identity, count: 3)
                (changes[0].saturation, changes[1].down, changes[2].last_row, changes[2].last_column) = (1.5, 2, 3, 4)
                return (trial.pass.augmentDifferentiably(x, changes), [x])
            }
        }

        /// With the gradient of a share of a loss.
        @Test(arguments: testedBackends)
        func scaledGradient(_ choice: TestedBackend) throws {
            let trial = try Trial(choice), x = trial.input(Formula.centred("x", [3, 2]))
            let cotangent = Formula.centred("c", [3, 2])
            trial.backward(trial.pass.scalingGradient(x, by: 0.25), cotangent)
            expectClose(
                try trial.gradient(x), HostTensor(cotangent.floats.map { $0 * 0.25 }, shape: [3, 2]), 0, "a quarter")
        }

        @Test(arguments: testedBackends)
        func biased(_ choice: TestedBackend) throws {
            try gradients.check(choice, [[3, 20, 4, 3], [20]], step: 1) { trial, values in
                let variables = values.map { trial.input($0) }
                return (trial.pass.biased(try trial.asActivation(variables[0]), variables[1]), variables)
            }
            try gradients.check(choice, [[6, 32, 4, 4], [32]], step: 1e-4, tolerance: 2e-2) { trial, values in
                let variables = values.map { trial.input($0) }
                let x = try trial.asActivation(variables[0])
                return (trial.pass.biased(x, variables[1], activation: .relu), variables)
            }
        }

        /// Where the power iteration has found the largest singular value, nothing moves with the weight but σ itself.
        @Test(arguments: testedBackends, [[6, 4, 3, 3], [9, 5]])
        func spectralWeight(_ choice: TestedBackend, _ shape: [Int]) throws {
            try gradients.check(choice, [shape], step: 1e-3) { trial, values in
                let layer = SpectralWeight(trial.backend, shape)
                layer.initialise(seed: 1, on: trial.backend)
                trial.backend.assign(values[0], to: layer.weight.value)
                let silent = Pass(Tape(trial.backend, recording: false), training: true)
                for _ in 0..<300 { _ = layer(silent) }
                return (layer(trial.pass), [layer.weight])
            }
        }

        /// The left singular vector moves in training, and in evaluation it stays.
        @Test(arguments: testedBackends)
        func powerIteration(_ choice: TestedBackend) throws {
            let trial = try Trial(choice), layer = SpectralWeight(trial.backend, [8, 3])
            layer.initialise(seed: 2, on: trial.backend)
            trial.backend.assign(Formula.centred("weight", [8, 3]), to: layer.weight.value)
            func left() throws -> [Float] { try layer.state(on: trial.backend)[1].tensor.floats }
            let before = try left()
            _ = layer(Pass(Tape(trial.backend), training: false))
            #expect(try left() == before)
            _ = layer(Pass(Tape(trial.backend), training: true))
            #expect(try left() != before)
        }

        @Test(arguments: testedBackends)
        func conditionalBatchNorm(_ choice: TestedBackend) throws {
            try gradients.check(choice, [[8, 16, 6, 5], [8, 6]], step: 1e-4, tolerance: 2e-2) { trial, values in
                let layer = ConditionalBatchNorm(trial.backend, 16, condition: 6)
                layer.initialise(seed: 3, on: trial.backend)
                let x = trial.input(values[0]), condition = trial.input(values[1])
                return (layer(try trial.asActivation(x), condition, momentum: nil, trial.pass), [x, condition])
            }
        }

        /// Orthogonal rows, or columns where there are fewer.
        @Test(arguments: [[5, 3, 2, 2], [20, 7], [1, 8], [8, 1]])
        func orthogonal(_ shape: [Int]) throws {
            let backend = try BackendChoice.plain.make(threads: 1), layer = SpectralWeight(backend, shape)
            layer.initialise(seed: 4, on: backend)
            let values = try backend.read(layer.weight.value).floats.map(Double.init)
            let rows = shape[0], columns = values.count / rows, isWide = rows <= columns
            func vector(_ index: Int) -> [Double] {
                isWide
                    ? Array(values[index * columns..<(index + 1) * columns])
                    : (0..<rows).map { values[$0 * columns + index] }
            }
            for a in 0..<min(rows, columns) {
                for b in 0..<min(rows, columns) {
                    let product = zip(vector(a), vector(b)).reduce(0) { $0 + $1.0 * $1.1 }
                    #expect(abs(product - (a == b ? 1 : 0)) < 1e-6)
                }
            }
        }

        @Test(arguments: testedBackends)
        func hingeLoss(_ choice: TestedBackend) throws {
            let scores: [Float] = [1.5, 0.5, -0.25, -2, -0.5, 0.25]
            let trial = try Trial(choice), x = trial.input(HostTensor(scores, shape: [6, 1]))
            let losses = try trial.backend.read(HingeLoss.discriminator(x, realCount: 3, trial.pass)).floats
            #expect(losses == [0, 0.5, 1.25, 0, 0.5, 1.25])
            expectClose(
                try trial.gradient(x), HostTensor([0, -1, -1, 0, 1, 1].map { Float($0) / 3 }, shape: [6, 1]), 1e-6,
                "of the discriminator")
            let y = trial.input(HostTensor(scores, shape: [6, 1]))
            HingeLoss.generator(y, trial.pass)
            expectClose(
                try trial.gradient(y), HostTensor([Float](repeating: -1 / 6, count: 6), shape: [6, 1]), 1e-6,
                "of the generator")
        }
    }
}
