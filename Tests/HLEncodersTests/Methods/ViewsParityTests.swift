import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// StableRep and LeJEPA beside PyTorch: ten steps on four views of eight samples (`views.safetensors`).
    struct ViewsParityTests {
        /// For losses, relative, and for the state after the last step.
        static let tolerance = 1e-3
        static let steps = 10, views = 4
        private static let fixture = (try? EncodersTests.fixture("views")) ?? TensorFile()

        @Test(arguments: testedBackends) func stableRep(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let method = StableRep(
                backend, backbone: ResNet(backend, .resnet18, width: 16), dimension: 32, views: Self.views)
            let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
            try train(
                method, "stablerep", Schedule(base: 0.03, steps: Self.steps, floor: 0.001), optimiser, on: backend)
            try compare(method, "stablerep", on: backend)
            try expectRunningStatistics(method, "stablerep", Self.fixture, Self.tolerance, on: backend)
        }

        @Test(arguments: testedBackends) func leJEPA(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let method = LeJEPA(
                backend, backbone: ResNet(backend, .resnet18, width: 16), dimension: 8, width: 64, views: Self.views,
                slices: 24, seed: 3, objective: LeJEPALoss(trade: 0.1))
            let optimiser = Adam(backend, method.parameters, decay: 5e-4)
            let schedule = Schedule(base: 2e-4, steps: Self.steps, warmupSteps: 2, floor: 0.001)
            try train(method, "lejepa", schedule, optimiser, on: backend)
            // A batch norm takes a bias before it out again, whose gradient is rounding; Adam makes steps of that.
            try compare(method, "lejepa", butFor: ["proj.0.bias", "proj.4.bias"], on: backend)
        }

        private func train(
            _ method: some EncoderMethod, _ name: String, _ schedule: Schedule, _ optimiser: any Optimiser,
            on backend: any Backend
        ) throws {
            try method.loadFormula(lastNorm: "bn2", on: backend)
            method.begin()
            let losses = try Self.fixture.tensor("\(name).losses").floats
            let rates = try Self.fixture.tensor("\(name).rates").floats
            #expect(losses.count == Self.steps && method.passesPerStep == Self.views)
            for step in 0..<Self.steps {
                let views = (0..<Self.views).map { Formula.images("step\(step).view\($0)", "step\(step).scene", 8, 32) }
                let pass = Pass(Tape(backend), training: true, groups: method.passesPerStep)
                let loss = try method.loss(Variable(backend.tensor(HostTensor.concatenate(views))), pass)
                    .value(on: backend)
                #expect(abs(loss - Double(losses[step])) <= Self.tolerance * Double(losses[step]), "step \(step)")
                #expect(abs(schedule.rate(step) - rates[step]) <= 1e-6 * schedule.base)
                pass.tape.run()
                optimiser.step(rate: schedule.rate(step))
                method.stepDone()
            }
        }

        private func compare(
            _ method: some EncoderMethod, _ key: String, butFor others: Set<String> = [], on backend: any Backend
        ) throws {
            let summaries = try Self.fixture.tensor("\(key).parameters")
            let names = try Self.fixture.list("\(key).parameters")
            let parameters = Dictionary(
                uniqueKeysWithValues: method.parameters.map { (withoutBackbone($0.name), $0.parameter) })
            #expect(Set(names) == Set(parameters.keys) && others.isSubset(of: names))
            for (index, name) in names.enumerated() where !others.contains(name) {
                let parameter = try #require(parameters[name])
                expectSummary(
                    try backend.read(parameter.value), summaries.rows(index..<(index + 1)).floats, Self.tolerance,
                    "\(key) \(name)")
            }
        }
    }
}
