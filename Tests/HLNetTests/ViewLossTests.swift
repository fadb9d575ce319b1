import Foundation
import HLCompute
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// Losses over many views of a sample: PyTorch's values and gradients (`layers.safetensors`), and finite differences.
    struct ViewLossTests {
        /// Of losses and gradients, relative.
        static let tolerance = 1e-5
        private static let layers = (try? NetTests.fixture("layers")) ?? TensorFile()
        private static let directionArray = Formula.centred("lejepa.directions", [20, 6])

        @Test(
            arguments: testedBackends,
            [
                ("multi_positive", 4, MultiPositiveLoss(temperature: 0.1)),
                ("multi_positive_factor", 3, MultiPositiveLoss(temperature: 0.1, isScaled: true)),
                ("multi_positive_half", 9, MultiPositiveLoss(temperature: 0.5)),
            ])
        func multiPositive(_ choice: TestedBackend, _ test: (name: String, views: Int, loss: MultiPositiveLoss)) throws
        {
            let trial = try Trial(choice)
            let x = trial.input(
                HostTensor.concatenate((0..<test.views).map { Formula.centred("multi_positive.view\($0)", [6, 8]) }))
            let rows = test.loss.apply(trial.pass.normaliseRows(x), views: test.views, trial.pass)
            trial.pass.tape.run()
            #expect(rows.shape == [6 * test.views])
            try compare(trial, test.name, x, test.loss.factor * mean(rows, trial.backend))
        }

        @Test(arguments: testedBackends, [("lejepa", 4, 0.02), ("lejepa_half", 2, 0.5), ("lejepa_normality", 3, 1)])
        func leJEPA(_ choice: TestedBackend, _ test: (name: String, views: Int, trade: Float)) throws {
            let trial = try Trial(choice)
            let x = trial.input(views(test.views))
            try compare(trial, test.name, x, leJEPA(x, test.views, test.trade, trial))
        }

        /// One sample more than the knots, and one far from the rest: the statistic in its textbook form.
        @Test(arguments: testedBackends) func statisticOfAPoint(_ choice: TestedBackend) throws {
            // Of one value x the characteristic function is exp(itx), so that the distance to exp(−t²/2) is
            // 1 − 2 cos(tx) exp(−t²/2) + exp(−t²).
            let backend = try choice.make(threads: 2)
            for x: Float in [0, -1, 3, 40, 1e4] {
                let made = backend.eppsPulley(
                    backend.tensor(HostTensor([x], shape: [1, 1])), groups: 1, limit: 3, knots: 17, weight: 1)
                let expected = (0..<17).reduce(0.0) { sum, k in
                    let t = Double(k) * 3 / 16, window = exp(-t * t / 2)
                    let weight = (k == 0 || k == 16 ? 1.0 : 2.0) * 3 / 16 * window
                    return sum + weight * (1 - 2 * cos(t * Double(x)) * window + window * window)
                }
                expectClose(
                    try backend.read(made.statistics), HostTensor([Float(expected)], shape: [1, 1]), 1e-6, "x = \(x)")
            }
        }

        @Test(arguments: testedBackends) func finiteDifferences(_ choice: TestedBackend) throws {
            for count in [2, 3, 5] {
                try differentiate(choice, [6 * count, 8]) { x, trial in
                    let loss = MultiPositiveLoss(temperature: 0.4, isScaled: true)
                    let rows = loss.apply(x, views: count, trial.pass)
                    return loss.factor * (try mean(rows, trial.backend))
                }
                try differentiate(choice, [10 * count, 6]) { x, trial in try leJEPA(x, count, 0.3, trial) }
            }
        }

        // MARK: Helpers

        private func views(_ count: Int) -> HostTensor {
            HostTensor.concatenate(
                (0..<count).map { view in Formula.array("lejepa.view\(view)", [10, 6]) { 6 * ($0 - 0.5) } })
        }

        private func mean(_ x: Tensor, _ backend: any Backend) throws -> Float {
            let values = try backend.read(x).floats
            return values.reduce(0, +) / Float(values.count)
        }

        /// The loss, once gradients have gone back.
        private func leJEPA(_ x: Variable, _ views: Int, _ trade: Float, _ trial: Trial) throws -> Float {
            let directions = trial.backend.normaliseRows(trial.backend.tensor(Self.directionArray)).output
            let parts = LeJEPALoss(trade: trade).apply(x, views: views, directions: directions, trial.pass)
            trial.pass.tape.run()
            #expect(parts.prediction.shape == [x.shape[0]] && parts.statistics.shape == [views, 20])
            return try (1 - trade) * mean(parts.prediction, trial.backend)
                + trade * mean(parts.statistics, trial.backend)
        }

        private func compare(_ trial: Trial, _ name: String, _ x: Variable, _ loss: Float) throws {
            expectClose(
                HostTensor([loss], shape: [1]), try Self.layers.tensor("\(name).loss"), Self.tolerance, "\(name).loss")
            let expected = try Self.layers.tensor("\(name).views_gradient").reshaped(x.shape)
            expectClose(try trial.gradient(x), expected, Self.tolerance, "\(name).views_gradient")
        }

        /// The gradient that a loss leaves against (f(x + hD) − f(x − hD)) / 2h along random directions D.
        private func differentiate(
            _ choice: TestedBackend, _ shape: [Int], _ loss: (Variable, Trial) throws -> Float
        ) throws {
            let value = Formula.array("value \(shape)", shape) { 2 * ($0 - 0.5) }, step: Float = 1e-2
            let backend = try choice.make(threads: 2)
            func evaluate(_ value: [Float]) throws -> (loss: Double, gradient: [Float]) {
                let trial = Trial(backend), x = trial.input(HostTensor(value, shape: shape))
                let result = try loss(x, trial)
                trial.pass.tape.run()
                return (Double(result), try trial.gradient(x).floats)
            }
            let gradient = try evaluate(value.floats).gradient
            for sample in 0..<3 {
                let direction = Formula.centred("direction \(sample)", shape).floats
                func moved(_ step: Float) -> [Float] { zip(value.floats, direction).map { $0 + step * $1 } }
                let numeric = try (evaluate(moved(step)).loss - evaluate(moved(-step)).loss) / (2 * Double(step))
                let along = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                let length = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(abs(numeric - along) <= 2e-3 * length, "\(shape), direction \(sample)")
            }
        }
    }
}
