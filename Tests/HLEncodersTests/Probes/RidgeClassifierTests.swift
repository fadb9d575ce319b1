import HLCompute
import HLEncoders
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    @Suite struct RidgeClassifierTests {
        private let backend: any Backend

        init() throws { backend = try CPUBackend.plain(threads: 2) }

        /// The samples of make_regression_fixtures.py, labels i % 3.
        private var samples: LinearProbe.Samples {
            var values = Formula.uniform("regression.features", 90 * 6).map { Float(Double($0) + 3) }
            for row in 0..<90 {
                values[row * 6 + row % 3] = Float(Double(values[row * 6 + row % 3]) + Double(Float(0.4)))
            }
            return LinearProbe.Samples(
                features: HostTensor(values, shape: [90, 6]), labels: (0..<90).map { Int32($0 % 3) })
        }

        private func close(_ a: Double, _ b: Float, _ tolerance: Double) -> Bool {
            abs(a - Double(b)) <= tolerance * max(1, abs(Double(b)))
        }

        @Test func chosenPenaltyErrorAndCoefficientsAreThoseOfScikitLearn() throws {
            let tensors = try EncodersTests.fixture("regression").tensors
            func values(_ name: String) throws -> [Float] { try #require(tensors["ridge.\(name)"]).floats }
            let fit = try RidgeClassifier().fit(samples, classes: 3, on: backend)
            #expect(close(fit.penalty, try values("penalty")[0], 1e-5))
            for (a, b) in zip(fit.head.weight.floats, try values("weight")) { #expect(close(Double(a), b, 1e-4)) }
            for (a, b) in zip(fit.head.bias.floats, try values("bias")) { #expect(close(Double(a), b, 1e-4)) }
            // Each penalty by itself, so that all errors are compared.
            for (index, share) in RidgeClassifier().shares.enumerated() {
                let single = try RidgeClassifier(shares: [share]).fit(samples, classes: 3, on: backend)
                #expect(close(single.penalty, try values("penalties")[index], 1e-5))
                #expect(close(single.error, try values("errors")[index], 1e-4))
            }
        }

        /// Where features tell classes apart it is right, whatever their scale.
        @Test(arguments: [1e-3, 1, 1e3]) func scaleOfFeaturesChangesNothing(scale: Double) throws {
            let own = samples
            let scaled = LinearProbe.Samples(
                features: HostTensor(own.features.floats.map { $0 * Float(scale) }, shape: [90, 6]), labels: own.labels)
            let (a, b) = (
                try RidgeClassifier().fit(own, classes: 3, on: backend),
                try RidgeClassifier().fit(scaled, classes: 3, on: backend)
            )
            #expect(a.share == b.share && close(a.error, Float(b.error), 1e-3))
            let scores = ProbeScore(scores: try b.head.scores(scaled.features, on: backend), labels: own.labels)
            #expect(
                scores.top1 == ProbeScore(scores: try a.head.scores(own.features, on: backend), labels: own.labels).top1
            )
            #expect(scores.top1 > 0.6)
        }

        @Test func classWithoutSamplesIsNeverChosen() throws {
            let fit = try RidgeClassifier().fit(samples, classes: 5, on: backend)
            let score = ProbeScore(scores: try fit.head.scores(samples.features, on: backend), labels: samples.labels)
            for label in 0..<3 { #expect(score.confusion[label, 3] == 0 && score.confusion[label, 4] == 0) }
        }

        @Test func featuresThatSayNothingAreRefused() throws {
            let same = LinearProbe.Samples(
                features: HostTensor([Float](repeating: 2, count: 12), shape: [6, 2]), labels: [0, 1, 0, 1, 0, 1])
            #expect(failure { _ = try RidgeClassifier().fit(same, classes: 2, on: backend) }?.kind == .data)
            let huge = LinearProbe.Samples(
                features: HostTensor([3e38, -3e38, 1, 2] as [Float], shape: [2, 2]), labels: [0, 1])
            #expect(failure { _ = try RidgeClassifier().fit(huge, classes: 2, on: backend) }?.kind == .data)
        }
    }
}
