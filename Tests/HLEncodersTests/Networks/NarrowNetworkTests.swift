import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// Networks in bf16 beside the same in f32: the emulation of the reference, and the processor's own.
    struct NarrowNetworkTests {
        private func features(
            _ choice: TestedBackend, _ architecture: ResNet.Architecture, _ precision: Precision
        ) throws -> [(String, HostTensor)] {
            let trial = try Trial(choice, groups: 2, precision: precision)
            let network = ResNet(trial.backend, architecture, width: 16)
            try network.loadFormula(lastNorm: architecture == .resnet50 ? "bn3" : "bn2", on: trial.backend)
            let x = trial.input(Formula.images("image.15", "scene.15", 4, 64))
            let y = network(x, trial.pass)
            #expect(y.value.type == .f32)
            trial.backward(y, Formula.centred("cotangent", y.shape))
            #expect(x.gradient?.type == .f32)
            var results = [("features", try trial.read(y)), ("input", try trial.gradient(x))]
            for (name, parameter) in network.parameters {
                #expect(parameter.gradient?.type == .f32, "\(name)")
                results.append((name, try trial.gradient(parameter)))
            }
            return results
        }

        /// 1 − the cosine between what was found and what was expected.
        private func angle(_ a: HostTensor, _ b: HostTensor) -> Double {
            let pairs = zip(a.floats, b.floats).map { (Double($0), Double($1)) }
            let dot = pairs.reduce(0) { $0 + $1.0 * $1.1 }
            let (x, y) = (pairs.reduce(0) { $0 + $1.0 * $1.0 }, pairs.reduce(0) { $0 + $1.1 * $1.1 })
            return x * y == 0 ? (x == y ? 0 : 1) : 1 - dot / (x * y).squareRoot()
        }

        @Test(arguments: [ResNet.Architecture.resnet18, .resnet50])
        func networkFollowsF32(_ architecture: ResNet.Architecture) throws {
            let expected = try features(.plain, architecture, .f32)
            for choice in testedBackends {
                let found = try features(choice, architecture, .bf16)
                for ((name, found), (_, expected)) in zip(found, expected) {
                    #expect(found.shape == expected.shape)
                    #expect(found.floats != expected.floats, "\(name) on \(choice) is f32")
                    // Gradients of what a batch norm takes out again all but cancel: rounding is all that is left of them.
                    guard found.shape.count == 4 || name == "features" else { continue }
                    #expect(angle(found, expected) < (name == "features" ? 1e-3 : 0.05), "\(name) on \(choice)")
                }
            }
        }

        /// Twenty steps on a backend in bf16 beside f32: the losses stay together, and two runs are one.
        @Test(arguments: testedBackends) func trainingFollowsF32(_ choice: TestedBackend) throws {
            let wide = try Self.losses(choice, .f32), narrow = try Self.losses(choice, .bf16)
            #expect(try Self.losses(choice, .bf16) == narrow)
            #expect(narrow != wide)
            for (step, (wide, narrow)) in zip(wide, narrow).enumerated() {
                #expect(abs(wide - narrow) < 0.15, "step \(step)")
            }
            #expect(narrow[19] < narrow[0] - 0.1)
        }

        /// A card rounds where the reference does, but for gradients of weights, which come in bf16 from its library.
        @Test func emulatedCardFollowsTheReference() throws {
            let card = try Self.losses(.emulated, .bf16), reference = try Self.losses(.plain, .bf16)
            #expect(card != reference)
            #expect(abs(card[0] - reference[0]) < 1e-3)
            for (step, (card, reference)) in zip(card, reference).enumerated() {
                #expect(abs(card - reference) < 0.1, "step \(step)")
            }
        }

        /// Those of twenty steps of SimSiam.
        private static func losses(_ choice: TestedBackend, _ precision: Precision) throws -> [Float] {
            let backend = try choice.make(threads: 2)
            let method = SimSiam(backend, backbone: ResNet(backend, .resnet18, width: 16), dimension: 64)
            method.initialise(seed: 7, on: backend)
            let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
            let images = backend.tensor(Formula.images("narrow", "scene.narrow", 16, 32))
            return try (0..<20).map { _ in
                let pass = Pass(Tape(backend), training: true, groups: 2, precision: precision)
                let loss = method.loss(Variable(images), labels: [], pass)
                pass.tape.run()
                optimiser.step(rate: 0.05)
                return Float(try loss.value(on: backend))
            }
        }

        /// What else computes in bf16 where it is told to: features of EfficientNet-Lite0, logits of a discriminator.
        @Test(arguments: testedBackends) func otherNetworksFollowF32(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2), images = Formula.images("other", "scene.other", 4, 56)
            let lite = try EfficientNetLiteArchitecture(.tensorFlow, classes: 10).makeBackbone(on: backend)
            try lite.loadEfficientNetFormula(on: backend)
            let judge = Discriminator(backend, side: 56, width: 16)
            judge.initialise(seed: 2, on: backend)
            func outputs(_ precision: Precision) throws -> [HostTensor] {
                let pass = Pass(Tape(backend, recording: false), training: false, precision: precision)
                let input = Variable(backend.tensor(images))
                let features = lite.features(of: ["reduction_3", "head"], input, pass)
                return try (features + [judge(input, pass)]).map { try backend.read($0.value) }
            }
            for (narrow, wide) in zip(try outputs(.bf16), try outputs(.f32)) {
                #expect(narrow.floats != wide.floats && angle(narrow, wide) < 1e-2)
            }
        }

        /// An encoder's precision is its own, and its embeddings are told apart by it.
        @Test func embeddingsInBF16() throws {
            let backend = try BackendChoice.plain.make(threads: 2)
            let description = try EncoderDescription(
                architecture: .resnet18, width: 16, stem: .cifar, side: 32, crop: nil, layer: nil)
            let encoder = Encoder.untrained(description, seed: 3, backend: backend)
            let images = Encoder.Images.host(Formula.images("encoder", "scene.encoder", 3, 32))
            let wide = try encoder.encode(images), fingerprint = try encoder.fingerprint()
            encoder.precision = .bf16
            let narrow = try encoder.encode(images)
            #expect(narrow.type == .f32 && narrow.floats != wide.floats && angle(narrow, wide) < 1e-3)
            #expect(try encoder.fingerprint() != fingerprint)
        }
    }
}
