import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// torchvision's networks: features, running statistics and every gradient (`resnet.safetensors`).
    struct ResNetParityTests {
        struct Network: Sendable, CustomTestStringConvertible {
            let architecture: ResNet.Architecture
            let picture: Int
            let lastNorm: String
            var testDescription: String { architecture.rawValue }
        }

        static let networks = [
            Network(architecture: .resnet18, picture: 15, lastNorm: "bn2"),
            Network(architecture: .resnet50, picture: 11, lastNorm: "bn3"),
        ]
        /// Where rounding flips a ReLU, single gradients of 50 layers may move by as much; nothing else may.
        static let tolerance = Tolerance(values: 5e-5, gradients: 1e-3)

        @Test func plain() throws { try check(.plain, Self.networks[0]) }

        #if HL_ONEDNN
            @Test(arguments: networks) func oneDNN(_ network: Network) throws { try check(.oneDNN, network) }
        #endif

        func check(_ choice: TestedBackend, _ network: Network) throws {
            let fixture = try EncodersTests.fixture("resnet")
            let name = network.architecture.rawValue, lastNorm = network.lastNorm
            let backend = try choice.make(threads: 2)
            let module = ResNet(backend, network.architecture)
            try module.loadFormula(lastNorm: lastNorm, on: backend)
            let images = Formula.images("image.\(network.picture)", "scene.\(network.picture)", 4, 56)

            let evaluation = Trial(backend, training: false)
            expectClose(
                try evaluation.read(module(evaluation.input(images), evaluation.pass)),
                try fixture.tensor("\(name).features.eval"), Self.tolerance.values, "features in evaluation mode")

            let training = Trial(backend)
            let x = training.input(images)
            let features = module(x, training.pass)
            expectClose(
                try training.read(features), try fixture.tensor("\(name).features.train"), Self.tolerance.values,
                "features in training mode")
            training.backward(features, Formula.centred("cotangent", features.shape))

            try expectRunningStatistics(module, name, fixture, Self.tolerance.values, on: backend)
            let gradients = try fixture.tensor("\(name).gradients")
            let parameters = module.parameters
            #expect(parameters.map(\.name) == (try fixture.list("\(name).parameters")))
            for (index, entry) in parameters.enumerated() {
                expectSummary(
                    try training.gradient(entry.parameter), gradients.rows(index..<(index + 1)).floats,
                    Self.tolerance.gradients, "gradient of \(entry.name)")
            }
            expectSummary(
                try training.gradient(x), try fixture.tensor("\(name).input_gradient").floats, Self.tolerance.gradients,
                "gradient of the input")
        }
    }
}
