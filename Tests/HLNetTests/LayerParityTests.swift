import HLCompute
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// Every layer, loss and optimiser against PyTorch's values and gradients (`layers.safetensors`).
    struct LayerParityTests {
        struct ConvolutionCase: Sendable, CustomTestStringConvertible {
            let name: String
            let input: [Int]
            let outChannels: Int
            let window: Window
            var testDescription: String { name }
        }

        static let convolutions = [
            ConvolutionCase(
                name: "conv3x3", input: [2, 16, 7, 7], outChannels: 16, window: Window(size: 3, padding: 1)),
            ConvolutionCase(
                name: "conv3x3_stride2", input: [2, 16, 7, 7], outChannels: 32,
                window: Window(size: 3, stride: 2, padding: 1)),
            ConvolutionCase(name: "conv1x1", input: [2, 16, 5, 5], outChannels: 32, window: Window(size: 1)),
            ConvolutionCase(
                name: "conv1x1_stride2", input: [2, 16, 6, 6], outChannels: 32, window: Window(size: 1, stride: 2)),
            ConvolutionCase(
                name: "conv7x7_stride2", input: [2, 3, 15, 15], outChannels: 16,
                window: Window(size: 7, stride: 2, padding: 3)),
            ConvolutionCase(
                name: "conv3x3_odd", input: [3, 5, 9, 6], outChannels: 7, window: Window(size: 3, padding: 1)),
            ConvolutionCase(
                name: "conv3x3_odd_stride2", input: [2, 20, 6, 5], outChannels: 12,
                window: Window(size: 3, stride: 2, padding: 1)),
            ConvolutionCase(name: "conv1x1_odd", input: [2, 10, 3, 4], outChannels: 17, window: Window(size: 1)),
            ConvolutionCase(
                name: "conv3x3_bias", input: [2, 4, 5, 6], outChannels: 6, window: Window(size: 3, padding: 1)),
        ]

        @Test(arguments: testedBackends, convolutions)
        func convolution(_ choice: TestedBackend, _ test: ConvolutionCase) throws {
            let trial = try Trial(choice)
            let layer = Convolution(trial.backend, test.input[1], test.outChannels, test.window)
            try load(layer, test.name, trial.backend)
            let x = trial.input(Formula.centred("\(test.name).input", test.input))
            let y = layer(x, trial.pass)
            var expected = try Self.layers.tensor("\(test.name).output")
            if let bias = Self.layers.tensors["\(test.name).bias_gradient"] {
                // Our convolutions have no bias: the reference's is taken out again.
                let values = Formula.state("\(test.name).bias", bias.shape, ofNorm: false).floats
                let positions = expected.shape[2] * expected.shape[3]
                let without = expected.floats.enumerated().map { $1 - values[$0 / positions % values.count] }
                expected = HostTensor(without, shape: expected.shape)
            }
            try check(trial, choice, test.name, x, y, weight: layer.weight, expected: expected)
        }

        @Test(arguments: testedBackends, [false, true])
        func pooling(_ choice: TestedBackend, asActivation: Bool) throws {
            var trial = try Trial(choice)
            var x = trial.input(Formula.array("maxpool.input", [2, 5, 9, 7]) { $0 - 1 })
            var inner = asActivation ? try trial.asActivation(x) : x
            try check(
                trial, choice, "maxpool", x, trial.pass.maxPool(inner, Window(size: 3, stride: 2, padding: 1)))
            trial = try Trial(choice)
            x = trial.input(Formula.centred("avgpool.input", [2, 5, 4, 3]))
            inner = asActivation ? try trial.asActivation(x) : x
            try check(trial, choice, "avgpool", x, trial.pass.averagePool(inner))
        }

        @Test(arguments: testedBackends)
        func rows(_ choice: TestedBackend) throws {
            var trial = try Trial(choice)
            var x = trial.input(Formula.centred("relu.input", [3, 11]))
            try check(trial, choice, "relu", x, trial.pass.relu(x))
            trial = try Trial(choice)
            x = trial.input(Formula.centred("normalise.input", [4, 9]))
            try check(trial, choice, "normalise", x, trial.pass.normaliseRows(x))
        }

        @Test(arguments: testedBackends, [false, true])
        func batchNorm2d(_ choice: TestedBackend, asActivation: Bool) throws {
            for name in ["batchnorm2d_train", "batchnorm2d_eval"] {
                try batchNorm(choice, name, [3, 6, 4, 5], asActivation: asActivation)
            }
        }

        @Test(arguments: testedBackends)
        func batchNorm1d(_ choice: TestedBackend) throws {
            for name in ["batchnorm1d_train", "batchnorm1d_eval", "batchnorm1d_plain"] {
                try batchNorm(choice, name, [8, 6], asActivation: false)
            }
        }

        func batchNorm(_ choice: TestedBackend, _ name: String, _ shape: [Int], asActivation: Bool) throws {
            let trial = try Trial(choice, training: !name.hasSuffix("eval"))
            let layer = BatchNorm(trial.backend, shape[1], affine: !name.hasSuffix("plain"))
            try load(layer, name, trial.backend)
            let x = trial.input(Formula.centred("\(name).input", shape))
            let y = layer(asActivation ? try trial.asActivation(x) : x, trial.pass)
            try check(trial, choice, name, x, y, weight: layer.weight, bias: layer.bias)
            let state = Dictionary(
                uniqueKeysWithValues: try layer.state(on: trial.backend).map { ($0.name, $0.tensor) })
            for leaf in ["running_mean", "running_var"] {
                let actual = try #require(state[leaf])
                let expected =
                    trial.pass.isTraining
                    ? try Self.layers.tensor("\(name).\(leaf)")
                    : Formula.state("\(name).\(leaf)", [shape[1]], ofNorm: true)
                expectClose(actual, expected, Tolerance.of(choice).values, "\(name).\(leaf)")
            }
            #expect(state["num_batches_tracked"]?.integers == [trial.pass.isTraining ? 1 : 0])
        }

        @Test(arguments: testedBackends)
        func linear(_ choice: TestedBackend) throws {
            for name in ["linear", "linear_nobias"] {
                let trial = try Trial(choice)
                let layer = Linear(trial.backend, 12, 7, bias: name == "linear")
                try load(layer, name, trial.backend)
                let x = trial.input(Formula.centred("\(name).input", [5, 12]))
                try check(trial, choice, name, x, layer(x, trial.pass), weight: layer.weight, bias: layer.bias)
            }
        }

        // MARK: Losses

        @Test(
            arguments: testedBackends,
            [
                ("infonce", InfoNCELoss(temperature: 0.1)),
                ("infonce_factor", InfoNCELoss(temperature: 0.1, isScaled: true)),
                ("infonce_half", InfoNCELoss(temperature: 0.5)),
            ])
        func infoNCE(_ choice: TestedBackend, _ test: (name: String, loss: InfoNCELoss)) throws {
            let trial = try Trial(choice)
            let views = (0...1).map { Formula.centred("infonce.view\($0)", [6, 8]) }
            let x = trial.input(HostTensor.concatenate(views))
            let rows = test.loss.apply(trial.pass.normaliseRows(x), trial.pass)
            trial.pass.tape.run()
            try checkLoss(trial, choice, test.name, rows, factor: test.loss.factor)
            let expected = HostTensor.concatenate(
                try (0...1).map { try Self.layers.tensor("\(test.name).view\($0)_gradient") })
            expectClose(try trial.gradient(x), expected, Tolerance.of(choice).gradients, test.name)
        }

        @Test(arguments: testedBackends)
        func simSiam(_ choice: TestedBackend) throws {
            let trial = try Trial(choice)
            func pair(_ leaf: String) -> Variable {
                trial.input(
                    HostTensor.concatenate((1...2).map { Formula.centred("simsiam_loss.\(leaf)\($0)", [6, 8]) }))
            }
            let p = pair("p"), z = pair("z")
            let rows = SimSiamLoss.apply(p, z, trial.pass)
            trial.pass.tape.run()
            try checkLoss(trial, choice, "simsiam_loss", rows, factor: 1)
            let expected = HostTensor.concatenate(
                try (1...2).map { try Self.layers.tensor("simsiam_loss.p\($0)_gradient") })
            expectClose(try trial.gradient(p), expected, Tolerance.of(choice).gradients, "p")
            #expect(z.gradient == nil)
        }

        @Test(arguments: testedBackends)
        func crossEntropy(_ choice: TestedBackend) throws {
            let trial = try Trial(choice)
            let logits = trial.input(Formula.array("cross_entropy.logits", [6, 5]) { 8 * ($0 - 0.5) })
            let labels = try Self.layers.tensor("cross_entropy.labels").integers
            #expect(labels == (0..<6).map { (3 * $0 + 1) % 5 })
            let rows = CrossEntropyLoss.apply(logits, labels: labels.map { Int32($0) }, trial.pass)
            trial.pass.tape.run()
            try checkLoss(trial, choice, "cross_entropy", rows, factor: 1)
            expectClose(
                try trial.gradient(logits), try Self.layers.tensor("cross_entropy.logits_gradient"),
                Tolerance.of(choice).gradients, "logits")
        }

        // MARK: Optimisers

        @Test(arguments: testedBackends, ["sgd", "sgd_plain", "adam", "adamw"])
        func optimiser(_ choice: TestedBackend, _ name: String) throws {
            let backend = try choice.make(threads: 2)
            let parameter = Parameter(backend, [7, 5], .constant(0))
            backend.assign(Formula.centred("\(name).parameter", [7, 5]), to: parameter.value)
            let optimiser: any Optimiser
            switch name {
            case "sgd": optimiser = SGD(backend, [("p", parameter)], momentum: 0.9, decay: 0.01)
            case "sgd_plain": optimiser = SGD(backend, [("p", parameter)], momentum: 0, decay: 0)
            case "adamw": optimiser = Adam(backend, [("p", parameter)], decay: 0.5)
            default: optimiser = Adam(backend, [("p", parameter)], beta1: 0.5, beta2: 0.999)
            }
            let expected = try Self.layers.tensor("\(name).parameter")
            for step in 0..<5 {
                let gradient = Formula.centred("\(name).gradient.\(step)", [7, 5])
                Tape(backend).seed(parameter, gradient: backend.tensor(gradient))
                optimiser.step(rate: name.hasPrefix("adam") ? 1e-3 : 0.05)
                let row = expected.rows(step..<(step + 1)).reshaped([7, 5])
                expectClose(try backend.read(parameter.value), row, 5e-7, "\(name), step \(step)")
                #expect(parameter.gradient == nil)
            }
            #expect(optimiser.stepsTaken == 5)
        }

        // MARK: Comparison

        private static let layers = (try? NetTests.fixture("layers")) ?? TensorFile()

        private func load(_ layer: some Module, _ name: String, _ backend: any Backend) throws {
            var shapes: [String: [Int]] = [:]
            layer.forEachState("") { leaf, state in
                switch state {
                case .parameter(let parameter): shapes[leaf] = parameter.shape
                case .buffer(let tensor, _): shapes[leaf] = tensor.shape
                case .counter: break
                }
            }
            let ofNorm = shapes["running_mean"] != nil
            try layer.load(on: backend) { leaf in
                shapes[leaf].map { Formula.state("\(name).\(leaf)", $0, ofNorm: ofNorm) }
            }
        }

        private func check(
            _ trial: Trial, _ choice: TestedBackend, _ name: String, _ x: Variable, _ y: Variable,
            weight: Variable? = nil, bias: Variable? = nil, expected: HostTensor? = nil
        ) throws {
            let tolerance = Tolerance.of(choice)
            let output = try expected ?? Self.layers.tensor("\(name).output")
            expectClose(try trial.read(y), output, tolerance.values, "\(name).output")
            trial.backward(y, Formula.centred("\(name).cotangent", output.shape))
            for (leaf, variable) in [("input", x), ("weight", weight), ("bias", bias)] {
                guard let variable else { continue }
                expectClose(
                    try trial.gradient(variable), try Self.layers.tensor("\(name).\(leaf)_gradient"),
                    tolerance.gradients, "\(name).\(leaf)_gradient")
            }
        }

        private func checkLoss(
            _ trial: Trial, _ choice: TestedBackend, _ name: String, _ rows: Tensor, factor: Float
        ) throws {
            let losses = try trial.backend.read(rows).floats
            let loss = factor * losses.reduce(0, +) / Float(losses.count)
            expectClose(
                HostTensor([loss], shape: [1]), try Self.layers.tensor("\(name).loss"), Tolerance.of(choice).values,
                "\(name).loss")
        }
    }
}
