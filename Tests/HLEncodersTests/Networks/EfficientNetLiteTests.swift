import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// timm's EfficientNet-Lite0 in both forms: features of every layer, running statistics and gradients
    /// (`efficientnet.safetensors`).
    struct EfficientNetLiteTests {
        typealias Variant = EfficientNetLite.Variant

        static let images = Formula.images("image.3", "scene.3", 4, 56)

        private func network(_ variant: Variant, on backend: any Backend) throws -> any Backbone {
            let network = try EfficientNetLiteArchitecture(variant, classes: 10).makeBackbone(on: backend)
            try network.loadEfficientNetFormula(on: backend)
            return network
        }

        @Test(arguments: testedBackends, Variant.allCases)
        func features(_ choice: TestedBackend, _ variant: Variant) throws {
            let fixture = try EncodersTests.fixture("efficientnet"), backend = try choice.make(threads: 2)
            let network = try network(variant, on: backend)
            let layers = try EfficientNetLiteArchitecture(variant, classes: 10).layers
            let pass = Pass(Tape(backend, recording: false), training: false)
            let all = network.features(of: layers.map(\.name), Variable(backend.tensor(Self.images)), pass)
            #expect(all.count == 7)
            for (layer, found) in zip(layers, all) {
                #expect(found.shape == [4, layer.length])
                expectClose(
                    try backend.read(found.value), try fixture.tensor("\(variant.rawValue).\(layer.name).eval"), 2e-5,
                    "\(layer.name) on \(choice)")
            }
            // A layer alone is the same to the bit.
            for (index, layer) in layers.enumerated() {
                let alone = network.features(of: [layer.name], Variable(backend.tensor(Self.images)), pass)
                #expect(try backend.read(alone[0].value).floats == backend.read(all[index].value).floats)
            }
        }

        @Test(arguments: testedBackends, Variant.allCases)
        func gradients(_ choice: TestedBackend, _ variant: Variant) throws {
            let fixture = try EncodersTests.fixture("efficientnet"), name = variant.rawValue
            let trial = Trial(try choice.make(threads: 2))
            let network = try network(variant, on: trial.backend)
            let x = trial.input(Self.images)
            let features = network.features(of: ["head"], x, trial.pass)[0]
            expectClose(try trial.read(features), try fixture.tensor("\(name).head.train"), 1e-3, "features")
            trial.backward(features, Formula.centred("cotangent", features.shape))
            let parameters = network.parameters.filter { !$0.name.hasPrefix("classifier.") }
            #expect(parameters.map(\.name) == (try fixture.list("\(name).parameters")))
            let expected = try fixture.tensor("\(name).gradients")
            let largest = (0..<parameters.count).map { expected.rows($0..<$0 + 1).floats[0] }.max() ?? 0
            for (index, entry) in parameters.enumerated() {
                let summary = expected.rows(index..<index + 1).floats
                let gradient = try trial.gradient(entry.parameter)
                guard summary[0] > 1e-6 * largest else {
                    // A shift in front of a batch norm changes nothing.
                    let norm = gradient.floats.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    #expect(norm < 1e-3 * largest, "gradient of \(entry.name)")
                    continue
                }
                expectSummary(gradient, summary, 5e-3, "gradient of \(entry.name)")
            }
            expectSummary(
                try trial.gradient(x), try fixture.tensor("\(name).input_gradient").floats, 5e-3,
                "gradient of the input")
        }
    }
}

extension Module {
    /// The formula, with damped branches and pre-activations away from zero (`Fixtures/README.md`).
    func loadEfficientNetFormula(on backend: any Backend) throws {
        try loadFormula(on: backend) { name, shape, _ in
            if name.hasPrefix("classifier.") { return Formula.state(name, shape, ofNorm: false) }
            if name.hasSuffix("bn3.weight") { return Formula.array(name, shape) { (0.5 + $0) * 0.25 } }
            return Formula.backboneState(name, shape, lastNorm: "")
        }
    }
}
