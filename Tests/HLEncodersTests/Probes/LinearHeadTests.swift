import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// Classifiers of features as they are, of those that were trained on others.
    @Suite struct LinearHeadTests {
        private let backend: any Backend

        init() throws { backend = try CPUBackend.plain(threads: 1) }

        private static let labels = (0..<60).map { Int32($0 * 7 % 4) }
        /// Far from zero and of different spreads, so that scaling matters.
        private static let samples = LinearProbe.Samples(
            features: HostTensor(
                zip(Formula.uniform("head", 300), 0...).map { value, index in
                    let column = index % 5, label = Int(labels[index / 5])
                    return Float(column + 1) * value + (column == label ? 2 : 0) + Float(3 * column)
                }, shape: [60, 5]), labels: labels)

        private func greatest(_ scores: HostTensor) -> [Int] {
            (0..<scores.rowCount).map { row in
                let values = scores.rows(row..<row + 1).floats
                return values.indices.max { values[$0] < values[$1] } ?? -1
            }
        }

        /// The score that a probe reports on scaled features is that of its head on features as they are.
        @Test(arguments: FeatureScaling.allCases, [false, true])
        func scalingAndBatchNormAreFoldedIn(scaling: FeatureScaling, normalises: Bool) throws {
            var probe = LinearProbe(learningRate: 0.3, epochs: 12, batchSize: 20)
            probe.normalises = normalises
            let samples = Self.samples, scale = scaling.fitted(to: samples.features)
            let scaled = LinearProbe.Samples(features: scale(samples.features), labels: samples.labels)
            let outcome = try probe.run(train: scaled, test: scaled, classes: 4, seeds: [3], on: backend)[0]
            let scores = try outcome.head.behind(scale).scores(samples.features, on: backend)
            let taken = greatest(scores)
            // The diagonal of the confusion matrix, and its cells.
            for label in 0..<4 {
                for other in 0..<4 {
                    let count = zip(samples.labels, taken).filter { Int($0) == label && $1 == other }.count
                    #expect(count == outcome.score.confusion[label, other], "\(scaling) \(normalises)")
                }
            }
            #expect(outcome.score.top1 > 0.4 && outcome.head.classes == 4 && outcome.head.dimension == 5)
        }

        /// A head is its formula: W x + b, at unit length where that was trained on.
        @Test func scoresAreTheFormula() throws {
            let weight: [Float] = [1, -2, 0.5, 3, 0, 1], bias: [Float] = [0.25, -1]
            let features: [Float] = [3, 0, 4, -1, 2, 2]
            for isUnit in [false, true] {
                let head = LinearHead(
                    weight: HostTensor(weight, shape: [2, 3]), bias: HostTensor(bias, shape: [2]),
                    takesUnitLength: isUnit)
                let scores = try head.scores(HostTensor(features, shape: [2, 3]), on: backend).floats
                for row in 0..<2 {
                    let own = features[row * 3..<row * 3 + 3]
                    let length: Float = isUnit ? [5, 3][row] : 1
                    for label in 0..<2 {
                        let sum = zip(own, weight[label * 3..<label * 3 + 3]).reduce(bias[label]) {
                            $0 + $1.0 * $1.1 / length
                        }
                        #expect(abs(scores[row * 2 + label] - sum) < 1e-5)
                    }
                }
            }
        }

        /// Classes without samples never win, and one of two has the score 0.
        @Test(arguments: [[0, 1, 3], [3, 1]]) func regression(present: [Int]) throws {
            let rows = Self.labels.indices.filter { present.contains(Int(Self.labels[$0])) }
            let samples = TargetedFeatures(
                features: Self.samples.features.gather(rows),
                targets: .one(rows.map { Self.labels[$0] }, count: 4))
            let search = PenaltySearch(penalties: [0.1])
            let (_, model, scores) = try search.fit(samples, penalty: 0.1, test: Self.samples.features, on: backend)
            let head = LinearHead(model, classes: 4)
            let taken = greatest(try head.scores(Self.samples.features, on: backend))
            #expect(
                taken == greatest(scores) && Set(taken).isSubset(of: Set(present)) && Set(taken).count == present.count)
            #expect(head.bias.firstNonFinite == nil)
        }
    }
}
