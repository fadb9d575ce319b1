import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// Every layer's gradients through the tape against directional derivatives; shapes and layouts of the operations
    /// below are held by HLComputeTests' matrix: with f = Σ output · C summed in double,
    /// (f(v + hD) − f(v − hD)) / 2h = ⟨∂f/∂v, D⟩ for random directions D.
    struct GradientTests {
        /// Builds a layer from its input and parameters; returns its output and the variables they became.
        typealias Layer = (Trial, [HostTensor]) throws -> (output: Variable, variables: [Variable])

        static let shapes = [
            ConvolutionShape([2, 20, 12, 12], 70, 3), ConvolutionShape([2, 72, 8, 8], 40, 1, stride: 2),
        ]

        @Test(arguments: testedBackends, shapes)
        func convolution(_ choice: TestedBackend, _ shape: ConvolutionShape) throws {
            let weight = [shape.outChannels, shape.input[1], shape.window.size, shape.window.size]
            // Linear in either argument, so that a long step costs nothing.
            try check(choice, [shape.input, weight], step: 1) { trial, values in
                let layer = Convolution(trial.backend, shape.input[1], shape.outChannels, shape.window)
                trial.backend.assign(values[1], to: layer.weight.value)
                let x = trial.input(values[0])
                return (layer(x, trial.pass), [x, layer.weight])
            }
        }

        /// With the padding of TensorFlow, which depends on the side.
        @Test(arguments: testedBackends, [(20, 12, 3), (32, 9, 5)])
        func depthwise(_ choice: TestedBackend, _ shape: (channels: Int, side: Int, size: Int)) throws {
            let (channels, side, size) = shape
            try check(choice, [[2, channels, side, side], [channels, 1, size, size]], step: 1) { trial, values in
                let layer = DepthwiseConvolution(trial.backend, channels, size: size) {
                    .same(size: size, stride: 2, side: $0)
                }
                trial.backend.assign(values[1], to: layer.weight.value)
                let x = trial.input(values[0])
                let y = layer(try trial.asActivation(x), trial.pass)
                #expect(y.shape == [2, channels, (side + 1) / 2, (side + 1) / 2])
                return (y, [x, layer.weight])
            }
        }

        @Test(arguments: testedBackends, [true, false])
        func batchNorm(_ choice: TestedBackend, training: Bool) throws {
            let cases = [([4, 20, 5, 6], 1), ([6, 33, 3, 3], 2), ([8, 40], 2)]
            for (shape, groups) in cases {
                let groups = training ? groups : 1
                try check(
                    choice, [shape, [shape[1]], [shape[1]]], step: 2e-3, training: training, groups: groups
                ) { trial, values in
                    let layer = BatchNorm(trial.backend, shape[1])
                    let weight = try #require(layer.weight), bias = try #require(layer.bias)
                    trial.backend.assign(values[1], to: weight.value)
                    trial.backend.assign(values[2], to: bias.value)
                    let x = trial.input(values[0])
                    let inner = shape.count == 4 ? try trial.asActivation(x) : x
                    return (layer(inner, trial.pass), [x, weight, bias])
                }
            }
        }

        /// With a residual added; the ReLU behind it is compared with a separate one in `FusionTests`.
        @Test(arguments: testedBackends)
        func residual(_ choice: TestedBackend) throws {
            let shape = [4, 20, 4, 3]
            try check(choice, [shape, shape], step: 1e-2) { trial, values in
                let layer = BatchNorm(trial.backend, shape[1])
                layer.initialise(seed: 1, on: trial.backend)
                let x = trial.input(values[0]), residual = trial.input(values[1])
                return (layer(try trial.asActivation(x), residual: residual, trial.pass), [x, residual])
            }
        }

        @Test(arguments: testedBackends)
        func linear(_ choice: TestedBackend) throws {
            try check(choice, [[6, 30], [17, 30], [17]], step: 1) { trial, values in
                let layer = Linear(trial.backend, 30, 17)
                let bias = try #require(layer.bias)
                trial.backend.assign(values[1], to: layer.weight.value)
                trial.backend.assign(values[2], to: bias.value)
                let x = trial.input(values[0])
                return (layer(x, trial.pass), [x, layer.weight, bias])
            }
        }

        @Test(arguments: testedBackends)
        func withoutParameters(_ choice: TestedBackend) throws {
            try check(choice, [[7, 40]], step: 1e-2) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.normaliseRows(x), [x])
            }
            try check(choice, [[3, 20, 5, 4]], step: 1) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.averagePool(try trial.asActivation(x)), [x])
            }
            // Neither of the two changes its choice within so short a step but for few values.
            try check(choice, [[3, 20, 9, 8]], step: 1e-4, tolerance: 2e-2) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.maxPool(try trial.asActivation(x), Window(size: 3, stride: 2, padding: 1)), [x])
            }
            try check(choice, [[30, 40]], step: 1e-4, tolerance: 2e-2) { trial, values in
                let x = trial.input(values[0])
                return (trial.pass.relu(x), [x])
            }
        }

        /// Frozen parameters get no gradient, and nothing is recorded where nothing is wanted.
        @Test(arguments: testedBackends)
        func gradientsOnlyWhereWanted(_ choice: TestedBackend) throws {
            let trial = try Trial(choice)
            let layer = Linear(trial.backend, 4, 3)
            layer.initialise(seed: 1, on: trial.backend)
            layer.bias?.requiresGradient = false
            let x = Variable(trial.backend.tensor(Formula.centred("x", [2, 4])))
            trial.backward(layer(x, trial.pass), Formula.centred("c", [2, 3]))
            #expect(layer.weight.gradient != nil && layer.bias?.gradient == nil && x.gradient == nil)

            let silent = Pass(Tape(trial.backend, recording: false), training: true)
            #expect(!layer(trial.input(Formula.centred("x", [2, 4])), silent).requiresGradient)
        }

        /// - Parameter shapes: those of the input and the parameters.
        func check(
            _ choice: TestedBackend, _ shapes: [[Int]], step: Float, training: Bool = true, groups: Int = 1,
            tolerance: Double = 2e-3, sourceLocation: SourceLocation = #_sourceLocation, _ layer: Layer
        ) throws {
            let values = shapes.enumerated().map { Formula.centred("value.\($0)", $1) }
            let backend = try choice.make(threads: 2)
            func evaluate(_ values: [HostTensor]) throws -> (Trial, output: Variable, variables: [Variable]) {
                let trial = Trial(backend, training: training, groups: groups)
                let (output, variables) = try layer(trial, values)
                return (trial, output, variables)
            }
            let (trial, output, variables) = try evaluate(values)
            let cotangent = Formula.centred("cotangent", output.shape)
            func objective(_ values: [HostTensor]) throws -> Double {
                let (trial, output, _) = try evaluate(values)
                return inner(try trial.read(output), cotangent)
            }
            trial.backward(output, cotangent)
            for (index, variable) in variables.enumerated() {
                let gradient = try trial.gradient(variable)
                #expect(gradient.shape == values[index].shape, sourceLocation: sourceLocation)
                for sample in 0..<3 {
                    let direction = Formula.centred("direction.\(index).\(sample)", shapes[index])
                    var (ahead, behind) = (values, values)
                    ahead[index] = moved(values[index], step, direction)
                    behind[index] = moved(values[index], -step, direction)
                    let numeric = try (objective(ahead) - objective(behind)) / (2 * Double(step))
                    // What the product of two random vectors of these lengths is like.
                    let scale =
                        (inner(gradient, gradient) * inner(direction, direction) / Double(direction.elementCount))
                        .squareRoot()
                    let error = abs(numeric - inner(gradient, direction)) / scale
                    #expect(error <= tolerance, "\(shapes), argument \(index)", sourceLocation: sourceLocation)
                }
            }
        }

        private func inner(_ a: HostTensor, _ b: HostTensor) -> Double {
            zip(a.floats, b.floats).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }

        private func moved(_ value: HostTensor, _ step: Float, _ direction: HostTensor) -> HostTensor {
            HostTensor(zip(value.floats, direction.floats).map { $0 + step * $1 }, shape: value.shape)
        }
    }
}
