import HLCompute
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// Losses whose pairs have weights: PyTorch's values and gradients (`layers.safetensors`), that of InfoNCE in the form of
    /// GenView++'s code.
    struct PairWeightTests {
        static let tolerance = 1e-5
        private static let layers = (try? NetTests.fixture("layers")) ?? TensorFile()
        /// Of six pairs, as the fixtures have them.
        private static let weights = Formula.array("pair_weights", [6]) { Double(Float(4 * $0 + 0.1)) }.floats

        @Test(arguments: testedBackends) func infoNCE(_ choice: TestedBackend) throws {
            let loss = InfoNCELoss(temperature: 0.1, isScaled: true)
            try compare(choice, "weighted_infonce", "infonce.view", 0...1, factor: loss.factor) { x, pass in
                loss.apply(pass.normaliseRows(x), pass)
            }
        }

        @Test(arguments: testedBackends) func simSiam(_ choice: TestedBackend) throws {
            try compare(choice, "weighted_simsiam", "simsiam_loss.p", 1...2, factor: 1) { p, pass in
                SimSiamLoss.apply(p, Variable(pass.backend.tensor(Self.pair("simsiam_loss.z", 1...2))), pass)
            }
        }

        @Test(arguments: testedBackends) func byol(_ choice: TestedBackend) throws {
            try compare(choice, "weighted_byol", "simsiam_loss.p", 1...2, factor: BYOLLoss.factor) { p, pass in
                BYOLLoss.apply(p, targets: pass.backend.tensor(Self.pair("simsiam_loss.z", 1...2)), pass)
            }
        }

        @Test(arguments: testedBackends) func momentumContrast(_ choice: TestedBackend) throws {
            try compare(choice, "weighted_moco", "infonce.view", 0...0, factor: 1) { q, pass in
                let backend = pass.backend
                func unit(_ name: String, _ count: Int) -> Tensor {
                    backend.normaliseRows(backend.tensor(Formula.centred(name, [count, 8]))).output
                }
                return MomentumContrastLoss().apply(
                    pass.normaliseRows(q), keys: unit("infonce.view1", 6), queue: unit("pair_weights.queue", 20), pass)
            }
        }

        /// A weight of 1 changes no bit, and a pair of weight 0 neither the loss nor, but as a negative, the gradient.
        @Test(arguments: testedBackends) func onesAndZeros(_ choice: TestedBackend) throws {
            let p = Self.pair("simsiam_loss.p", 1...2)
            func run(_ weights: [Float]?) throws -> (losses: [Float], gradient: HostTensor) {
                let (trial, pass) = try Self.trial(choice, weights), x = trial.input(p)
                let z = Variable(trial.backend.tensor(Self.pair("simsiam_loss.z", 1...2)))
                let rows = SimSiamLoss.apply(x, z, pass)
                pass.tape.run()
                return (try trial.backend.read(rows).floats, try trial.gradient(x))
            }
            let plain = try run(nil), ones = try run([Float](repeating: 1, count: 6))
            #expect(ones.losses == plain.losses && ones.gradient.floats == plain.gradient.floats)
            let some = try run([0, 1, 1, 1, 1, 1])
            for view in [0, 6] {
                #expect(some.losses[view] == 0 && plain.losses[view] != 0)
                #expect(some.gradient.rows(view..<view + 1).floats.allSatisfy { $0 == 0 })
                #expect(
                    some.gradient.rows(view + 1..<view + 6).floats == plain.gradient.rows(view + 1..<view + 6).floats)
            }
        }

        // MARK: Helpers

        private static func pair(_ prefix: String, _ views: ClosedRange<Int>) -> HostTensor {
            HostTensor.concatenate(views.map { Formula.centred("\(prefix)\($0)", [6, 8]) })
        }

        private static func trial(_ choice: TestedBackend, _ weights: [Float]?) throws -> (Trial, Pass) {
            let trial = try Trial(choice)
            let tensor = weights.map { trial.backend.tensor(HostTensor($0, shape: [$0.count])) }
            return (trial, Pass(trial.pass.tape, training: true, weights: tensor))
        }

        /// Weights over their mean.
        private static var shares: [Float] {
            let mean = weights.reduce(0, +) / Float(weights.count)
            return weights.map { $0 / mean }
        }

        private func compare(
            _ choice: TestedBackend, _ name: String, _ input: String, _ views: ClosedRange<Int>, factor: Float,
            _ loss: (Variable, Pass) -> Tensor
        ) throws {
            let (trial, pass) = try Self.trial(choice, Self.shares), x = trial.input(Self.pair(input, views))
            let rows = try trial.backend.read(loss(x, pass)).floats
            pass.tape.run()
            let leaf = input.split(separator: ".")[1]
            let expected = try views.map { try Self.layers.tensor("\(name).\(leaf)\($0)_gradient") }
            let mean = factor * rows.reduce(0, +) / Float(rows.count)
            expectClose(HostTensor([mean], shape: [1]), try Self.layers.tensor("\(name).loss"), Self.tolerance, name)
            expectClose(try trial.gradient(x), HostTensor.concatenate(expected), Self.tolerance, "\(name), gradient")
        }
    }
}
