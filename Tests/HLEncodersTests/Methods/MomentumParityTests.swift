import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// BYOL and MoCo beside PyTorch: six steps with all that follows the trained network (`momentum.safetensors`).
    struct MomentumParityTests {
        /// For losses, and for the state after the last step.
        static let tolerance = (losses: 1e-3, state: 1e-4)
        static let steps = 6
        private static let fixture = (try? EncodersTests.fixture("momentum")) ?? TensorFile()

        @Test(arguments: testedBackends) func byol(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let method = BYOL(
                backend, backbone: ResNet(backend, .resnet18, width: 16), dimension: 32, hidden: 64, momentum: 0.9,
                steps: Self.steps)
            try train(method, "byol", rate: 0.3, on: backend) {
                LARS(backend, $0, momentum: 0.9, decay: 1.5e-6, trust: 0.02)
            }
            try compare(method, "byol.online", on: backend)
            try compare(method.target, "byol.target", on: backend)
        }

        @Test(arguments: testedBackends) func moco(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let method = MoCo(
                backend, backbone: ResNet(backend, .resnet18, width: 16), dimension: 32, queue: 20, momentum: 0.9,
                groups: 2, seed: 3)
            try train(method, "moco", rate: 0.1, on: backend) { SGD(backend, $0, momentum: 0.9, decay: 1e-4) }
            try compare(method, "moco.online", on: backend)
            try compare(method.keyEncoder, "moco.key", on: backend)
            expectClose(
                try backend.read(method.queue.keys), try Self.fixture.tensor("moco.queue"), Self.tolerance.state,
                "queue")
        }

        @Test(arguments: testedBackends, ["lars", "lars_excluded"])
        func lars(_ choice: TestedBackend, _ name: String) throws {
            let backend = try choice.make(threads: 2), shape = name == "lars" ? [7, 5] : [35]
            let parameter = Parameter(backend, shape, .constant(0))
            backend.assign(Formula.centred("\(name).parameter", shape), to: parameter.value)
            let optimiser = LARS(backend, [("p", parameter)], momentum: 0.9, decay: 0.01)
            let expected = try Self.fixture.tensor("\(name).parameter")
            for step in 0..<5 {
                let gradient = Formula.array("\(name).gradient.\(step)", shape) { Double(Float(0.01 * ($0 - 0.5))) }
                Tape(backend).seed(parameter, gradient: backend.tensor(gradient))
                optimiser.step(rate: 20)
                let row = expected.rows(step..<(step + 1)).reshaped(shape)
                expectClose(try backend.read(parameter.value), row, 1e-6, "\(name), step \(step)")
            }
        }

        private func train(
            _ method: some EncoderMethod, _ name: String, rate: Float, on backend: any Backend,
            _ make: ([(name: String, parameter: Parameter)]) -> any Optimiser
        ) throws {
            try method.loadFormula(lastNorm: "bn2", on: backend)
            method.begin()
            if let moco = method as? MoCo {
                let directions = backend.normaliseRows(backend.tensor(Formula.centred("queue", [20, 32]))).output
                backend.assignRows(directions, to: moco.queue.keys, at: 0)
            }
            let optimiser = make(method.parameters)
            let losses = try Self.fixture.tensor("\(name).losses").floats
            let rates = try Self.fixture.tensor("\(name).rates").floats
            let schedule = Schedule(base: rate, steps: Self.steps, warmupSteps: 2)
            for step in 0..<Self.steps {
                let views = (1...2).map { Formula.images("step\(step).view\($0)", "step\(step).scene", 8, 32) }
                let pass = Pass(Tape(backend), training: true, groups: method.passesPerStep)
                let images = Variable(backend.tensor(HostTensor.concatenate(views)))
                let loss = try method.loss(images, pass).value(on: backend)
                #expect(
                    abs(loss - Double(losses[step])) <= Self.tolerance.losses * Double(losses[step]), "step \(step)")
                #expect(abs(schedule.rate(step) - rates[step]) <= 1e-6 * rate)
                pass.tape.run()
                optimiser.step(rate: schedule.rate(step))
                method.stepDone()
            }
        }

        private func compare(_ module: some Module, _ key: String, on backend: any Backend) throws {
            let summaries = try Self.fixture.tensor("\(key).parameters")
            #expect(module.parameters.map { withoutBackbone($0.name) } == (try Self.fixture.list("\(key).parameters")))
            for (index, entry) in module.parameters.enumerated() {
                expectSummary(
                    try backend.read(entry.parameter.value), summaries.rows(index..<(index + 1)).floats,
                    Self.tolerance.state, "\(key) \(entry.name)")
            }
            try expectRunningStatistics(module, key, Self.fixture, Self.tolerance.state, on: backend)
        }
    }
}
