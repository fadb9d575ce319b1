import HLCommand
import HLCompute
import HLEncoders
import HLStatistics
import HLTensor

/// What the features of an encoder are worth while it is trained, in evaluation mode, on labelled images: k nearest
/// neighbours and ridge regression as hl-probe has them on the finished encoder, RankMe as hl-metrics.
///
/// It draws nothing and changes nothing: the bits of the training are those of one without it.
final class EncoderEvaluation {
    /// Values of one moment.
    struct Score {
        /// Share of the test images that k nearest neighbours get right, in percent.
        let neighbours: Double
        /// That of ridge regression.
        let ridge: Double
        /// Effective rank of the features of all images of `--eval`; nil where they are too few for one.
        let rank: Double?
    }

    private let images: HostTensor
    private let test: HostTensor?
    /// Of the images that classifiers learn from, and of those that judge them.
    private let (learnt, judged): ([Int], [Int])
    private let (trainLabels, testLabels): ([Int32], [Int32])
    private let classes: Int
    private let algebra: LinearAlgebra
    /// Whether there are too few images for RankMe, which is said once.
    private var hasSaidRank = false

    /// Images that go through the network for one evaluation, with those that the last pass of each set is filled up with.
    var passedCount: Int { [images, test].compactMap { $0?.rowCount }.map { ($0 + 63) / 64 * 64 }.reduce(0, +) }

    /// Share of the images, class by class, that judges where no test set is given; of seed 0, as hl-probe's.
    private static let share = 0.2

    /// - Parameter test: judges; nil takes a fifth of each class of `set`.
    /// - Throws: `Failure`: incompatible for two sets whose classes have other names; data where there is nothing to tell
    ///   apart.
    init(_ set: LabelledImages, test: LabelledImages?, threads: Int) throws {
        if let test, test.classNames != set.classNames {
            throw Failure(
                .incompatible, "the sets of --eval and --eval-test have classes of other names",
                "give two splits of one data set")
        }
        algebra = try LinearAlgebra(threads: threads)
        images = set.images
        self.test = test?.images
        let known = Set(set.labels + (test?.labels ?? [])).sorted()
        let places = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, Int32($0)) })
        func dense(_ labels: [Int64]) -> [Int32] { labels.map { places[$0] ?? 0 } }
        let labels = dense(set.labels)
        classes = known.count
        if let test {
            (learnt, judged) = (Array(labels.indices), Array(0..<test.count))
            (trainLabels, testLabels) = (labels, dense(test.labels))
        } else {
            let (rest, taken) = SampleDraws.split(.one(labels, count: classes), share: Self.share, seed: 0)
            (learnt, judged) = (rest, taken)
            (trainLabels, testLabels) = (rest.map { labels[$0] }, taken.map { labels[$0] })
        }
        guard Set(trainLabels).count > 1, !testLabels.isEmpty else {
            throw Failure(
                .data, "the images of --eval show one class, or each class once: there is nothing to judge by",
                "give more images, or --eval-test a set of its own")
        }
    }

    /// - Throws: `Failure` (data) for features that are no numbers or all the same.
    func measure(_ encoder: Encoder) throws -> Score {
        let all = try features(images, encoder), other = try test.map { try features($0, encoder) }
        let train = LinearProbe.Samples(features: all.gather(learnt), labels: trainLabels)
        let judges = (other ?? all).gather(judged), backend = encoder.backend
        let settings = NearestNeighbours(k: min(NearestNeighbours().k, trainLabels.count))
        let votes = try settings.scores(train: train, test: judges, classes: classes, on: backend)
        let ridge = try RidgeClassifier().fit(train, classes: classes, on: backend).head
        return Score(
            neighbours: 100 * ProbeScore(scores: votes, labels: testLabels).top1,
            ridge: 100 * ProbeScore(scores: try ridge.scores(judges, on: backend), labels: testLabels).top1,
            rank: try rank(of: all, on: backend))
    }

    private func features(_ images: HostTensor, _ encoder: Encoder) throws -> HostTensor {
        let features = try encoder.encode(.host(images))
        guard features.firstNonFinite == nil else {
            throw Failure(.data, "the features of the images of --eval are not numbers", "lower the learning rate")
        }
        return features
    }

    private func rank(of features: HostTensor, on backend: any Backend) throws -> Double? {
        guard features.rowCount > features.rowSize else {
            if !hasSaidRank {
                Console.inform(
                    "no RankMe: it needs more images than dimensions, and --eval has \(features.rowCount) for "
                        + "\(features.rowSize)")
                hasSaidRank = true
            }
            return nil
        }
        var accumulator = EmbeddingSet.Accumulator(
            dimension: features.rowSize, viewCount: 1, needs: .distribution, algebra: algebra)
        accumulator.add(features)
        let inputs = MetricInputs(
            accumulator.finished(), reference: nil, options: MetricOptions(), algebra: algebra, backend: backend)
        return try RankMe.metric.measure(inputs).values[0].value
    }
}
