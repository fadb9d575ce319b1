import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// The samples of make_regression_fixtures.py.
private enum Cases {
    static let count = 90
    static let penalties = [0.01, 1.0, 100]

    static var features: HostTensor {
        var values = Formula.uniform("regression.features", count * 6).map { Float(Double($0) + 3) }
        for row in 0..<count {
            values[row * 6 + row % 3] = Float(Double(values[row * 6 + row % 3]) + Double(Float(0.4)))
        }
        return HostTensor(values, shape: [count, 6])
    }

    static var marks: HostTensor {
        let values = Formula.uniform("regression.shown", count * 4)
        return HostTensor(.u8, shape: [count, 4]) { bytes in
            for (index, value) in values.enumerated() { bytes[index] = value < 0.4 ? 1 : 0 }
        }
    }

    static func targets(_ name: String) -> ClassTargets {
        switch name {
        case "softmax": .one((0..<count).map { Int32($0 % 3) }, count: 3)
        case "binary": .one((0..<count).map { Int32($0 % 2) }, count: 2)
        default: .several(marks)
        }
    }
}

extension EncodersTests {
    @Suite struct LogisticRegressionTests {
        private let solver = LBFGS(tolerance: 5e-6, iterationLimit: 1000)

        private func problem(_ targets: ClassTargets, threads: Int = 1) throws -> LogisticProblem {
            try LogisticProblem(
                TargetedFeatures(features: Cases.features, targets: targets), on: try CPUBackend.plain(threads: threads)
            )
        }

        @Test(arguments: ["softmax", "binary", "several"])
        func objectivesAndCoefficientsAreThoseOfScikitLearn(name: String) throws {
            let tensors = try EncodersTests.fixture("regression").tensors
            let weights = try #require(tensors["\(name).weight"]), biases = try #require(tensors["\(name).bias"])
            let objectives = try #require(tensors["\(name).objective"]).floats
            let problem = try problem(Cases.targets(name))
            for (index, penalty) in Cases.penalties.enumerated() {
                let solution = try problem.fit(penalty: penalty, solver), model = try problem.model(solution)
                let fit = solution.fit
                #expect(fit.end == .converged && fit.gradientNorm <= 5e-6)
                #expect(abs(fit.objective / Double(objectives[index]) - 1) < 1e-5)
                let expected = weights.rows(index..<index + 1).floats, largest = expected.map(abs).max() ?? 0
                for (a, b) in zip(model.weight.floats, expected) { #expect(abs(a - b) < 5e-3 * largest) }
                for (a, b) in zip(model.bias, biases.rows(index..<index + 1).floats) {
                    #expect(abs(a - Double(b)) < 5e-3 * max(1, abs(Double(b))))
                }
            }
        }

        /// The coordinates are for speed alone.
        @Test func scoresAreThoseOfTheModelOnTheFeaturesThemselves() throws {
            let problem = try problem(Cases.targets("softmax")), fit = try problem.fit(penalty: 0.1, solver)
            let model = try problem.model(fit), features = Cases.features.floats, weights = model.weight.floats
            let scores = try problem.scores(problem.coordinates(of: Cases.features), fit).floats
            for row in 0..<Cases.count {
                for (output, label) in model.outputs.enumerated() {
                    let sum = (0..<6).reduce(model.bias[output]) {
                        $0 + Double(weights[output * 6 + $1]) * Double(features[row * 6 + $1])
                    }
                    #expect(abs(Double(scores[row * 3 + label]) - sum) < 1e-3)
                }
            }
        }

        @Test func aFitThatBeginsAtItsMinimumTakesNoStep() throws {
            let problem = try problem(Cases.targets("softmax")), loose = LBFGS(tolerance: 2e-5)
            let solution = try problem.fit(penalty: 1, solver)
            let again = try problem.fit(penalty: 1, from: try problem.start(at: problem.model(solution)), loose).fit
            #expect(again.iterations == 0 && again.end == .converged)
        }

        @Test func repeatsBitForBitOnAnyThreads() throws {
            let fits = try [1, 1, 2].map {
                try problem(Cases.targets("softmax"), threads: $0).fit(penalty: 0.01, solver).fit
            }
            #expect(fits[0].objective == fits[1].objective && fits[0].objective == fits[2].objective)
            #expect(fits[0].iterations == fits[2].iterations)
        }

        @Test func theLimitOfStepsIsReported() throws {
            let fit = try problem(Cases.targets("softmax")).fit(
                penalty: 1e-4, LBFGS(tolerance: 1e-9, iterationLimit: 2)
            ).fit
            #expect(fit.end == .limit && fit.iterations == 2 && fit.gradientNorm > 1e-9)
        }

        /// Without samples its intercept has no minimum.
        @Test func aClassWithoutSamplesIsNeverChosen() throws {
            let problem = try problem(.one((0..<Cases.count).map { Int32($0 % 3) * 2 }, count: 6))
            let solution = try problem.fit(penalty: 1, solver)
            let scores = try problem.scores(problem.coordinates(of: Cases.features), solution).floats
            #expect(solution.fit.end == .converged)
            for row in 0..<Cases.count { #expect(scores[row * 6 + 1] == -.infinity && scores[row * 6 + 2].isFinite) }
        }

        @Test func marksThatDoNotCountAreLeftOut() throws {
            // The last thirty samples do not count for any class: the rest decides.
            let marks = Cases.marks
            let masked = HostTensor(.u8, shape: marks.shape) { bytes in
                marks.withUnsafeBytes { bytes.copyMemory(from: $0) }
                for index in (60 * 4)..<(90 * 4) { bytes[index] = 255 }
            }
            let all = try problem(.several(masked)).fit(penalty: 1, solver).fit
            let few = try LogisticProblem(
                TargetedFeatures(features: Cases.features.rows(0..<60), targets: .several(marks.rows(0..<60))),
                on: try CPUBackend.plain(threads: 1)
            ).fit(penalty: 1, solver).fit
            #expect(abs(all.objective / few.objective - 1) < 1e-5)
        }

        /// Begun where the line through the two before leads, fits need fewer passes than begun at the one before.
        @Test func thePathSavesPasses() throws {
            let search = PenaltySearch(
                penalties: PenaltySearch.logarithmic(21, from: 1e-4, to: 1e1),
                solver: LBFGS(improvement: 1e-4, iterationLimit: 1000))
            let train = TargetedFeatures(features: Cases.features, targets: Cases.targets("softmax"))
            let path = try search.path(
                train, validation: Cases.features, judge: { _ in 0 }, on: try CPUBackend.plain(threads: 1)
            ).path
            let problem = try problem(Cases.targets("softmax"))
            var last: [Double]?, passes = 0
            for penalty in search.penalties.reversed() {
                let solution = try problem.fit(penalty: penalty, from: last, search.solver)
                last = try problem.start(at: problem.model(solution))
                passes += solution.fit.evaluations
            }
            let own = path.steps.map(\.fit.evaluations).reduce(0, +)
            #expect(own < passes, "\(own) of \(passes)")
        }

        @Test func aPathChoosesThePenaltyThatValidatesBest() throws {
            let search = PenaltySearch(penalties: [1e-3, 1, 1e5], solver: solver)
            let train = TargetedFeatures(features: Cases.features, targets: Cases.targets("softmax"))
            let backend = try CPUBackend.plain(threads: 1)
            var calls = 0
            // From the strongest penalty down, as they come; of equals the weakest counts.
            for (scores, chosen) in [
                ([0.2, 0.5, 0.1], 1), ([0.5, 0.5, 0.1], 1), ([0.9, 0.5, 0.1], 1e5), ([1, 1, 1], 1e-3),
            ] {
                calls = 0
                let path = try search.path(
                    train, validation: Cases.features,
                    judge: { _ in
                        calls += 1
                        return scores[calls - 1]
                    }, on: backend
                ).path
                #expect(path.penalty == chosen && path.steps.map(\.fit.penalty) == [1e-3, 1, 1e5])
                #expect(path.steps.map(\.score) == scores.reversed())
            }
        }

        /// Of the path the chosen weights alone are handed on.
        @Test func thePathEndsWithTheModelOfItsChoice() throws {
            let search = PenaltySearch(penalties: [1e-3, 1, 1e5], solver: solver)
            let train = TargetedFeatures(features: Cases.features, targets: Cases.targets("softmax"))
            var calls = 0
            let (path, model) = try search.path(
                train, validation: Cases.features,
                judge: { _ in
                    calls += 1
                    return calls == 2 ? 1 : 0
                }, on: try CPUBackend.plain(threads: 1))
            let problem = try problem(Cases.targets("softmax"))
            let alone = try problem.model(problem.fit(penalty: 1, solver)).weight.floats
            let largest = alone.map(abs).max() ?? 0
            #expect(path.penalty == 1)
            for (a, b) in zip(model.weight.floats, alone) { #expect(abs(a - b) < 5e-3 * largest) }
        }

        @Test func penaltiesAreThoseOfSSLTransfer() {
            let penalties = ProbeRecipes["lbfgs"].flatMap { recipe -> [Double]? in
                if case .regression(let settings) = recipe.method { settings.search.penalties } else { nil }
            }
            #expect(penalties?.count == 45 && penalties?.first == 1e-6 && penalties?.last == 1e5)
            // torch.logspace(-6, 5, 45)[22]
            #expect(abs((penalties?[22] ?? 0) / 0.316_227_766 - 1) < 1e-8)
        }
    }
}

@Suite struct SampleDrawsTests {
    private let labels = (0..<50).map { Int32($0 < 20 ? 0 : $0 < 49 ? 1 : 2) }

    @Test func aSplitTakesAShareOfEveryClassThatHasTwo() {
        let targets = ClassTargets.one(labels, count: 4)
        let (rest, taken) = SampleDraws.split(targets, share: 0.2, seed: 3)
        #expect(taken.count { labels[$0] == 0 } == 4 && taken.count { labels[$0] == 1 } == 6)
        // The only sample of class 2 is learnt from.
        #expect(taken.count { labels[$0] == 2 } == 0)
        #expect((rest + taken).sorted() == Array(0..<50))
        #expect(SampleDraws.split(targets, share: 0.2, seed: 3).taken == taken)
        #expect(SampleDraws.split(targets, share: 0.2, seed: 4).taken != taken)
        #expect(SampleDraws.split(.one([0, 1, 2], count: 3), share: 0.5, seed: 0).taken.isEmpty)
    }

    @Test func neitherPartIsEmptyWhateverTheShare() {
        for share in [0.01, 0.99] {
            let (rest, taken) = SampleDraws.split(.one([0, 0, 1, 1], count: 2), share: share, seed: 0)
            #expect(rest.count == 2 && taken.count == 2)
        }
    }

    @Test func moreShotsHoldThoseOfFewer() {
        let one = SampleDraws.shots(labels, classes: 4, shots: 1, seed: 5)
        let five = SampleDraws.shots(labels, classes: 4, shots: 5, seed: 5)
        #expect(one.map { labels[$0] } == [0, 1, 2] && five.count == 11)
        #expect(Set(one).isSubset(of: Set(five)))
        #expect(SampleDraws.shots(labels, classes: 4, shots: 5, seed: 6) != five)
    }
}

@Suite struct RankingScoreTests {
    @Test func precisionsAreThoseOfVOC2007() throws {
        let expected = try #require(try EncodersTests.fixture("regression").tensors["precisions"]).floats
        let scores = Formula.uniform("regression.scores", Cases.count * 4).map { ($0 * 10).rounded(.down) }
        let score = RankingScore(scores: HostTensor(scores, shape: [Cases.count, 4]), shown: Cases.marks)
        for (a, b) in zip(score.precisions, expected) { #expect(abs((a ?? 0) - Double(b)) < 1e-6) }
        #expect(abs(score.mean - Double(expected.reduce(0, +)) / 4) < 1e-6)
    }

    @Test func samplesAndClassesThatDoNotCountAreLeftOut() {
        let scores = HostTensor([0.9, 1, 0.5, 1, 0.1, 1] as [Float], shape: [3, 2])
        let shown = HostTensor(.u8, shape: [3, 2]) { $0.copyBytes(from: [255, 0, 1, 0, 0, 0]) }
        let score = RankingScore(scores: scores, shown: shown)
        #expect(score.precisions == [1, nil] && score.mean == 1)
    }
}
