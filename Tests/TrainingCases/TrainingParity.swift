import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases

/// Five optimiser steps of a method beside PyTorch's, which `training.safetensors` of HLEncodersTests has.
package enum TrainingParity: String, CaseIterable, Sendable {
    case simSiam = "simsiam"
    case simCLR = "simclr"

    /// For losses, and for the state after the last step.
    package static let tolerance = (losses: 1e-3, state: 1e-4)

    /// What the steps left behind.
    package struct Run {
        package let method: any EncoderMethod
        /// Before each update.
        package let losses: [Double]
        /// Losses, rates, and the state after the last step.
        package let findings: [Finding]
    }

    private var rate: Float { self == .simSiam ? 0.3 : 0.03 }

    private func make(_ backend: any Backend) -> any EncoderMethod {
        let backbone = ResNet(backend, .resnet18)
        return self == .simSiam ? SimSiam(backend, backbone: backbone) : SimCLR(backend, backbone: backbone)
    }

    /// Trains on a backend.
    /// - Throws: `Failure` where the fixture lacks something, or what the backend has to say.
    package func run(
        beside fixture: TensorFile, precision: Precision = .f32, on backend: any Backend
    ) throws -> Run {
        let expected = try fixture.tensor("\(rawValue).losses").floats
        let rates = try fixture.tensor("\(rawValue).rates").floats
        let method = make(backend)
        try method.loadFormula(lastNorm: "bn2", on: backend)
        let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
        let schedule = Schedule(base: rate, steps: 5)
        var losses: [Double] = [], findings: [Finding] = []
        for step in 0..<5 {
            let views = (1...2).map {
                let scene = self == .simSiam ? "scene.2" : "step\(step).scene"
                return Formula.images("step\(step).view\($0)", scene, 8, 32)
            }
            let pass = Pass(Tape(backend), training: true, groups: method.passesPerStep, precision: precision)
            let images = Variable(backend.tensor(HostTensor.concatenate(views)))
            let loss = try method.loss(images, pass).value(on: backend), wanted = Double(expected[step])
            losses.append(loss)
            findings.append(
                Finding(
                    "loss of step \(step)", deviation: abs(loss - wanted) / max(abs(wanted), 0.01),
                    tolerance: Self.tolerance.losses))
            findings.append(
                Finding(
                    "rate of step \(step)", deviation: Double(abs(schedule.rate(step) - rates[step]) / rate),
                    tolerance: 1e-6))
            pass.tape.run()
            optimiser.step(rate: schedule.rate(step))
        }
        findings += try state(of: method, beside: fixture, on: backend)
        return Run(method: method, losses: losses, findings: findings)
    }

    private func state(
        of method: any EncoderMethod, beside fixture: TensorFile, on backend: any Backend
    ) throws -> [Finding] {
        let summaries = try fixture.tensor("\(rawValue).parameters"), names = try fixture.list("\(rawValue).parameters")
        let parameters = Dictionary(
            uniqueKeysWithValues: method.parameters.map { (withoutBackbone($0.name), $0.parameter) })
        var findings = Set(parameters.keys).subtracting(names).map { Finding($0, wrong: "is not in the fixture") }
        for (index, name) in names.enumerated() {
            guard let parameter = parameters[name] else {
                findings.append(Finding(name, wrong: "is missing"))
                continue
            }
            findings += Finding.summary(
                try backend.read(parameter.value), summaries.rows(index..<(index + 1)).floats, Self.tolerance.state,
                name)
        }
        return findings + (try method.runningStatistics(rawValue, fixture, Self.tolerance.state, on: backend))
    }
}
