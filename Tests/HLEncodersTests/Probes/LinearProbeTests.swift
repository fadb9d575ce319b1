import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Points around one corner of a simplex per class, spread by `noise`.
private func clusters(_ name: String, count: Int, classes: Int, noise: Float) -> LinearProbe.Samples {
    let values = Formula.uniform(name, count * classes)
    let features = values.indices.map { index -> Float in
        (index % classes == index / classes % classes ? 1 : 0) + noise * values[index]
    }
    return LinearProbe.Samples(
        features: HostTensor(features, shape: [count, classes]),
        labels: (0..<count).map { Int32($0 % classes) })
}

extension EncodersTests {
    @Suite struct LinearProbeTests {
        @Test func classifierFollowsPyTorchStepByStep() throws {
            let tensors = try EncodersTests.fixture("probe").tensors
            let features = try #require(tensors["features"]), labels = try #require(tensors["labels"]).integers
            let order = try #require(tensors["order"]).integers.map { Int($0) }
            let rates = try #require(tensors["rates"]).floats
            let weights = try #require(tensors["weight"]), biases = try #require(tensors["bias"])
            let backend = try CPUBackend.plain(threads: 1)
            let classifier = LinearClassifier(backend, inputs: 6, classes: 3, momentum: 0.9, seed: 0)
            #expect(try backend.read(classifier.layer.weight.value).floats.allSatisfy { $0 != 0 && abs($0) < 0.06 })
            let bias = try #require(classifier.layer.bias)
            #expect(try backend.read(bias.value).floats == [0, 0, 0])
            backend.assign(try #require(tensors["initial"]), to: classifier.layer.weight.value)

            let probe = LinearProbe(epochs: 3, batchSize: 10)
            var step = 0
            for epoch in 0..<3 {
                for start in stride(from: 0, to: 24, by: 10) {
                    let batch = Array(order[(epoch * 24 + start)..<(epoch * 24 + min(start + 10, 24))])
                    let rate = probe.rate(classifier.stepsTaken, count: 24)
                    #expect(abs(rate - rates[step]) <= 1e-5 * 30)
                    classifier.step(features.gather(batch), labels: batch.map { Int32(labels[$0]) }, rate: rate)
                    try expectClose(try backend.read(classifier.layer.weight.value), weights.rows(step..<step + 1))
                    try expectClose(try backend.read(bias.value), biases.rows(step..<step + 1))
                    step += 1
                }
            }
            #expect(step == 9)
        }

        private func expectClose(_ actual: HostTensor, _ expected: HostTensor) throws {
            let largest = expected.floats.map(abs).max() ?? 0
            for (a, b) in zip(actual.floats, expected.floats) { #expect(abs(a - b) <= 1e-4 * largest) }
        }

        @Test func separableClassesAreToldApartByEverySeed() throws {
            let train = clusters("probe.train", count: 300, classes: 10, noise: 0.4)
            let test = clusters("probe.test", count: 100, classes: 10, noise: 0.4)
            let scores = try LinearProbe(epochs: 20, batchSize: 64).run(
                train: train, test: test, classes: 10, seeds: [0, 1, 2], on: try CPUBackend.plain(threads: 1))
            #expect(scores.map(\.score.top1) == [1, 1, 1] && scores.map(\.score.top5) == [1, 1, 1])
            #expect(scores.map(\.epoch) == [20, 20, 20])
        }

        @Test func labelsThatFeaturesDoNotKnowAreGuessed() throws {
            let noise = { (name: String, count: Int) in
                LinearProbe.Samples(
                    features: HostTensor(Formula.uniform(name, count * 8), shape: [count, 8]),
                    labels: (0..<count).map { Int32($0 % 10) })
            }
            let scores = try LinearProbe(learningRate: 1, epochs: 20, batchSize: 64).run(
                train: noise("guess.train", 1000), test: noise("guess.test", 1000), classes: 10, seeds: [0],
                on: try CPUBackend.plain(threads: 1))
            // Four standard deviations of 1000 guesses.
            #expect(abs(scores[0].score.top1 - 0.1) < 0.04)
            #expect(abs(scores[0].score.top5 - 0.5) < 0.065)
        }

        @Test func seedsAreReproducibleAndIndependentOfEachOther() throws {
            let train = clusters("seed.train", count: 200, classes: 6, noise: 3)
            let test = clusters("seed.test", count: 300, classes: 6, noise: 3)
            let probe = LinearProbe(learningRate: 5, epochs: 5, batchSize: 32)
            let run = { (seeds: [UInt64]) in
                try probe.run(train: train, test: test, classes: 6, seeds: seeds, on: try CPUBackend.plain(threads: 1))
            }
            let together = try run([3, 4, 5])
            #expect(try run([4]).map(\.score) == [together[1].score])
            #expect(Set(together.map(\.score.top1)).count > 1)
        }

        @Test func everyEpochMayHaveFeaturesOfItsOwn() throws {
            let train = clusters("epoch.train", count: 60, classes: 3, noise: 0.2)
            let test = clusters("epoch.test", count: 30, classes: 3, noise: 0.2)
            // Useless features in the train set itself: only those of the epochs can teach anything.
            let blank = LinearProbe.Samples(
                features: HostTensor([Float](repeating: 0, count: 180), shape: [60, 3]), labels: train.labels)
            var epochs: [Int] = [], done = 0
            let scores = try LinearProbe(epochs: 4, batchSize: 16).run(
                train: blank, test: test, classes: 3, seeds: [0, 1], on: try CPUBackend.plain(threads: 1),
                trainFeatures: {
                    epochs.append($0)
                    return train.features
                }, progress: { done += $0 })
            #expect(epochs == [0, 1, 2, 3])
            #expect(done == 2 * 4 * 60)
            #expect(scores.allSatisfy { $0.score.top1 == 1 })
        }

        private func recipe(_ name: String) throws -> ProbeRecipe.Descent {
            guard case .descent(let settings) = try #require(ProbeRecipes[name]).method else {
                throw Failure(.software, "\(name) is no descent", "")
            }
            return settings
        }

        /// Half a cosine over all steps, from the full rate at step 0; to a tenth of it in the authors' later code.
        @Test(arguments: [("paper", false, 0 as Double), ("mlvgm", true, 0.1)])
        func ratesThatFallStepByStep(name: String, isScaled: Bool, floor: Double) throws {
            let settings = try recipe(name)
            #expect(settings.scalesRate == isScaled && settings.seeds == 5)
            // 1000 samples are four steps of 256 an epoch.
            for step in [0, 1, 119, 120, 239] {
                let cosine = 0.5 * (1 + cos(Double.pi * Double(step) / 240))
                let expected = 30 * (floor + (1 - floor) * cosine)
                #expect(abs(Double(settings.probe.rate(step, count: 1000)) - expected) < 1e-4, "step \(step)")
            }
        }

        /// Epoch by epoch, counted from 1, to 0.2³ of the rate, as in COP-Gen's `adjust_learning_rate`.
        @Test func ratesThatFallEpochByEpoch() throws {
            let settings = try recipe("copgen"), probe = settings.probe
            #expect(settings.scalesRate && settings.seeds == 1 && probe.batchSize == 224)
            #expect(probe.learningRate == 2 && probe.reported == .best && probe.start == .uniform)
            // 500 samples are three steps of 224, the last of 52.
            for step in 0..<180 {
                let epoch = Double(step / 3 + 1), least = 2 * 0.2 * 0.2 * 0.2
                let expected = least + (2 - least) * (1 + cos(Double.pi * epoch / 60)) / 2
                #expect(abs(Double(probe.rate(step, count: 500)) - expected) < 1e-6, "step \(step)")
            }
            #expect(abs(probe.rate(179, count: 500) - 0.016) < 1e-7)
        }

        /// After the first epoch, in which features tell the truth, they lie: the best classifier is that of the first.
        @Test func theBestEpochOrTheLastIsReported() throws {
            let truth = clusters("best.train", count: 90, classes: 3, noise: 0.1)
            let test = clusters("best.test", count: 30, classes: 3, noise: 0.1)
            let lies = HostTensor(
                truth.features.floats.indices.map { index in
                    truth.features.floats[index / 3 * 3 + (index + 1) % 3]
                }, shape: [90, 3])
            for (reported, top1, epoch) in [(LinearProbe.Reported.best, 1.0, 1), (.last, 0, 6)] {
                var probe = LinearProbe(learningRate: 5, epochs: 6, batchSize: 30)
                probe.reported = reported
                let outcome = try probe.run(
                    train: truth, test: test, classes: 3, seeds: [4], on: try CPUBackend.plain(threads: 1),
                    trainFeatures: { $0 == 0 ? truth.features : lies })[0]
                #expect(outcome.score.top1 == top1 && outcome.epoch == epoch, "\(reported)")
            }
        }

        /// torch.nn.Linear's: from U(±1/√d), whose deviation is 1/√(3d), weights and bias alike.
        @Test func uniformStart() throws {
            let backend = try CPUBackend.plain(threads: 1)
            let classifier = LinearClassifier(
                backend, inputs: 400, classes: 50, momentum: 0.9, start: .uniform, seed: 2)
            let weights = try backend.read(classifier.layer.weight.value).floats
            let bias = try backend.read(try #require(classifier.layer.bias).value).floats
            #expect((weights + bias).allSatisfy { abs($0) <= 0.05 } && weights.contains { abs($0) > 0.0499 })
            let square = weights.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(weights.count)
            // 20,000 draws know their variance to 1 %.
            #expect(abs(square * 1200 - 1) < 0.03)
            #expect(bias.contains { abs($0) > 0.02 })
        }

        /// Behind a batch norm it does not matter what features are multiplied by and what is added to them.
        @Test func batchNormTakesScalesAndOffsetsOut() throws {
            let train = clusters("norm.train", count: 96, classes: 4, noise: 2)
            let test = clusters("norm.test", count: 40, classes: 4, noise: 2)
            let factors: [Float] = [8, 0.5, 2, 4], offsets: [Float] = [16, -4, 0, 2]
            func moved(_ samples: LinearProbe.Samples) -> LinearProbe.Samples {
                let values = samples.features.floats.enumerated().map { index, value in
                    value * factors[index % 4] + offsets[index % 4]
                }
                return LinearProbe.Samples(
                    features: HostTensor(values, shape: samples.features.shape), labels: samples.labels)
            }
            func scores(_ train: LinearProbe.Samples, _ test: LinearProbe.Samples, normalises: Bool) throws -> [Float] {
                let backend = try CPUBackend.plain(threads: 1)
                let classifier = LinearClassifier(
                    backend, inputs: 4, classes: 4, momentum: 0.9, normalises: normalises, seed: 1)
                for start in stride(from: 0, to: 96 * 60, by: 32) {
                    let rows = (start..<start + 32).map { $0 % 96 }
                    classifier.step(train.features.gather(rows), labels: rows.map { train.labels[$0] }, rate: 0.1)
                }
                return try classifier.scores(test.features).floats
            }
            let plain = try scores(train, test, normalises: true)
            let scaled = try scores(moved(train), moved(test), normalises: true)
            // After 180 steps nothing is left of the statistics that it starts with; its ε is beside variances from 0.1 on.
            #expect(deviation(scaled, plain) < 1e-3)
            let without = try scores(moved(train), moved(test), normalises: false)
            #expect(deviation(without, try scores(train, test, normalises: false)) > 0.1)
        }

        @Test func divergenceIsAnErrorAndNoScore() throws {
            let train = clusters("huge", count: 20, classes: 2, noise: 1)
            let huge = LinearProbe.Samples(
                features: HostTensor(train.features.floats.map { $0 * 1e30 }, shape: [20, 2]), labels: train.labels)
            let error = #expect(throws: Failure.self) {
                try LinearProbe(epochs: 2).run(
                    train: huge, test: huge, classes: 2, seeds: [0], on: try CPUBackend.plain(threads: 1))
            }
            #expect(error?.kind == .data)
        }
    }
}

@Suite struct ProbeScoreTests {
    @Test func countsRanksAndTies() {
        let scores = HostTensor(
            [
                5, 4, 3, 2, 1, 0,  // label 0: first
                5, 4, 3, 2, 1, 0,  // label 4: fifth
                5, 4, 3, 2, 1, 0,  // label 5: sixth
                1, 1, 0, 0, 0, 0,  // label 1: ties go to the lower class
                .nan, 0, 0, 0, 0, 0,  // label 0: not a number is never right
            ] as [Float], shape: [5, 6])
        let score = ProbeScore(scores: scores, labels: [0, 4, 5, 1, 0])
        #expect(score.top1 == 0.2 && score.top5 == 0.6)
        // Label 0 once right and once taken for none but class 1, whose zeros come first; label 1 for class 0.
        #expect(score.confusion[0, 0] == 1 && score.confusion[0, 1] == 1 && score.confusion[1, 0] == 1)
        #expect(score.confusion.shares == [0.5, 0, nil, nil, 0, 0])
        #expect(score.meanPerClass == 0.125)
        let twice = score.confusion + score.confusion
        #expect(
            twice[0, 0] == 2 && twice[4, 5] == 0 && twice.samples(of: 0) == 4 && twice.shares == score.confusion.shares)
        #expect(twice != score.confusion)
    }

    /// As many classes as there may be: their square would be terabytes.
    @Test func confusionOfManyClasses() {
        var matrix = ConfusionMatrix(classes: 1 << 20)
        matrix.add(label: 1_000_000, taken: 999_999)
        matrix.add(label: 1_000_000, taken: nil)
        matrix.add(label: 1_000_000, taken: 1_000_000)
        #expect(matrix[1_000_000, 999_999] == 1 && matrix[1_000_000, 1_000_000] == 1 && matrix[3, 4] == 0)
        #expect(matrix.samples(of: 1_000_000) == 3 && matrix.shares.compactMap(\.self) == [1.0 / 3])
    }

    @Test func deviationIsThatOfASample() {
        let (mean, deviation) = meanAndDeviation([1, 2, 3, 4])
        #expect(mean == 2.5)
        #expect(abs((deviation ?? 0) - 1.290_994_448_735_805_6) < 1e-12)
        #expect(meanAndDeviation([7]).deviation == nil)
    }
}

@Suite struct FeatureScalingTests {
    private let train = HostTensor([3, 4, 7, 0, 8, 7] as [Float], shape: [2, 3])

    @Test func rawKeepsAndUnitNormalises() {
        #expect(FeatureScaling.raw.fitted(to: train)(train).floats == train.floats)
        let rows = HostTensor([3, 4, 0, 0, 0, 0] as [Float], shape: [2, 3])
        let unit = FeatureScaling.unit.fitted(to: train)(rows).floats
        for (a, b) in zip(unit, [0.6, 0.8, 0, 0, 0, 0] as [Float]) { #expect(abs(a - b) < 1e-6) }
    }

    @Test func standardUsesTheTrainSetAndSurvivesConstants() {
        let scale = FeatureScaling.standard.fitted(to: train)
        #expect(scale(train).floats == [1, -1, 0, -1, 1, 0])
        #expect(scale(HostTensor([4.5, 6, 9] as [Float], shape: [1, 3])).floats == [2, 0, 0])
    }
}
