import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import TestSupport
import Testing

extension EncodersTests {
    /// Five optimiser steps beside PyTorch's (`training.safetensors`).
    struct TrainingParityTests {
        /// For losses, and for the state after the last step.
        static let tolerance = (losses: 1e-3, state: 1e-4)

        @Test(arguments: testedBackends) func simSiam(_ choice: TestedBackend) throws {
            let (method, backend) = try train(choice, "simsiam", rate: 0.3) { SimSiam($0, backbone: $1) }
            // Frozen, and without a gradient not decayed either.
            let frozen = try #require(method.parameters.first { $0.name == "projector.6.bias" })
            let formula = Formula.state("projector.6.bias", [2048], ofNorm: false)
            #expect(try backend.read(frozen.parameter.value).floats == formula.floats)
        }

        @Test(arguments: testedBackends) func simCLR(_ choice: TestedBackend) throws {
            _ = try train(choice, "simclr", rate: 0.03) { SimCLR($0, backbone: $1) }
        }

        func train<Method: EncoderMethod>(
            _ choice: TestedBackend, _ name: String, rate: Float, _ make: (any Backend, ResNet) -> Method
        ) throws -> (Method, any Backend) {
            let fixture = try EncodersTests.fixture("training")
            let losses = try fixture.tensor("\(name).losses").floats, rates = try fixture.tensor("\(name).rates").floats
            let backend = try choice.make(threads: 2)
            let method = make(backend, ResNet(backend, .resnet18))
            try method.loadFormula(lastNorm: "bn2", on: backend)
            let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
            let schedule = Schedule(base: rate, steps: 5)
            for step in 0..<5 {
                let views = (1...2).map {
                    let scene = name == "simsiam" ? "scene.0" : "step\(step).scene"
                    return Formula.images("step\(step).view\($0)", scene, 8, 32)
                }
                let pass = Pass(Tape(backend), training: true, groups: method.passesPerStep)
                let images = Variable(backend.tensor(HostTensor.concatenate(views)))
                let loss = try method.loss(images, pass).value(on: backend)
                let expected = Double(losses[step])
                let allowed = Self.tolerance.losses * max(abs(expected), 0.01)
                #expect(abs(loss - expected) <= allowed, "loss of step \(step)")
                #expect(abs(schedule.rate(step) - rates[step]) <= 1e-6 * rate)
                pass.tape.run()
                optimiser.step(rate: schedule.rate(step))
            }
            let summaries = try fixture.tensor("\(name).parameters")
            let parameters = Dictionary(
                uniqueKeysWithValues: method.parameters.map { (withoutBackbone($0.name), $0.parameter) })
            let names = try fixture.list("\(name).parameters")
            #expect(Set(names) == Set(parameters.keys))
            for (index, name) in names.enumerated() {
                let parameter = try #require(parameters[name])
                expectSummary(
                    try backend.read(parameter.value), summaries.rows(index..<(index + 1)).floats,
                    Self.tolerance.state, name)
            }
            try expectRunningStatistics(method, name, fixture, Self.tolerance.state, on: backend)
            return (method, backend)
        }
    }
}
