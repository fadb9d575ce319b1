import HLCompute
import HLNet
import HLTensor

/// Linear evaluation of frozen features by stochastic gradient descent; by default the paper's protocol.
///
/// A linear layer with weights from N(0, 0.01) and bias 0, trained by SGD with momentum 0.9, rate 30, no decay, batches
/// of 256 and cross-entropy for 60 epochs. The rate falls by half a cosine to 0, step by step (MoCo's and SimSiam's
/// code: epoch by epoch); it is not scaled by the batch. The last, smaller batch of an epoch is used. Rate 30 is meant
/// for the mean-pooled, non-negative features of a ResNet. The recipes of others differ in what the properties say.
package struct LinearProbe: Sendable, Equatable {
    /// When the rate falls.
    package enum Decay: String, Sendable {
        /// Step by step, from step 0 on.
        case step = "cosine per step"
        /// Epoch by epoch, counted from 1, so that the first epoch is below the full rate already (SupContrast's and
        /// COP-Gen's code).
        case epoch = "cosine per epoch from 1"
    }

    /// Which classifier is reported.
    package enum Reported: String, Sendable {
        /// That of the end.
        case last = "last epoch"
        /// That of the epoch with the highest top-1 on the test set itself: such figures are too high.
        case best = "best epoch on the test set"
    }

    package var learningRate: Float
    package var epochs: Int
    package var batchSize: Int
    package var momentum: Float
    package var decay = Decay.step
    /// Share of the rate that the cosine ends at.
    package var floor: Float = 0
    package var start = LinearClassifier.Start.normal
    package var reported = Reported.last
    /// Whether a batch norm without affine part, torch.nn.BatchNorm1d's, stands before the layer.
    package var normalises = false

    package init(learningRate: Float = 30, epochs: Int = 60, batchSize: Int = 256, momentum: Float = 0.9) {
        self.learningRate = learningRate
        self.epochs = epochs
        self.batchSize = batchSize
        self.momentum = momentum
    }

    /// The learning rate of step `step`, counted from 0, of a training on `count` samples.
    package func rate(_ step: Int, count: Int) -> Float {
        let each = stepsPerEpoch(count: count)
        switch decay {
        case .step: return Schedule(base: learningRate, steps: epochs * each, floor: floor).rate(step)
        case .epoch: return Schedule(base: learningRate, steps: epochs, floor: floor).rate(step / each + 1)
        }
    }

    func stepsPerEpoch(count: Int) -> Int { (count + batchSize - 1) / batchSize }

    /// Labelled features.
    package struct Samples {
        /// F32 [N, d].
        package let features: HostTensor
        /// N labels, 0 ..< classes.
        package let labels: [Int32]

        package init(features: HostTensor, labels: [Int32]) {
            precondition(features.type == .f32 && features.shape.count == 2 && features.rowCount == labels.count)
            self.features = features
            self.labels = labels
        }
    }

    /// A classifier, its score, and the epoch that it is of, counted from 1.
    package struct Outcome {
        package let score: ProbeScore
        package let epoch: Int
        /// Of features as `run` was given them.
        package let head: LinearHead
    }

    /// Trains one classifier per seed and scores each on the test set.
    ///
    /// A seed decides the initial weights and the order of the samples in every epoch. All classifiers go through an
    /// epoch before any goes on to the next, so that features that are new in every epoch are computed once for all.
    ///
    /// - Parameters:
    ///   - train: labels, and features for their shape; N > 0.
    ///   - trainFeatures: the train features of an epoch, as those of augmented images; nil takes the same every time.
    ///   - progress: called with the samples of every epoch that a classifier has done.
    /// - Returns: the scores in the order of the seeds.
    /// - Throws: `Failure` (data) when a classifier diverges, and whatever `trainFeatures` or the backend throws.
    package func run(
        train: Samples, test: Samples, classes: Int, seeds: [UInt64], on backend: any Backend,
        trainFeatures: ((_ epoch: Int) throws -> HostTensor)? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> [Outcome] {
        precondition(train.features.rowSize == test.features.rowSize && !train.labels.isEmpty)
        let count = train.labels.count
        let classifiers = seeds.map {
            LinearClassifier(
                backend, inputs: train.features.rowSize, classes: classes, momentum: momentum, start: start,
                normalises: normalises, seed: $0)
        }
        var best = [Outcome?](repeating: nil, count: seeds.count)
        for epoch in 0..<epochs {
            let features = try trainFeatures?(epoch) ?? train.features
            for (index, classifier) in classifiers.enumerated() {
                let order = Permutation(count: count, seed: seeds[index], purpose: .probeOrder, epoch: epoch)
                for start in stride(from: 0, to: count, by: batchSize) {
                    let batch = order.elements(at: start..<min(start + batchSize, count))
                    classifier.step(
                        features.gather(batch), labels: batch.map { train.labels[$0] },
                        rate: rate(classifier.stepsTaken, count: count))
                }
                progress(count)
                guard reported == .best || epoch == epochs - 1 else { continue }
                let score = try score(classifier, test)
                if best[index].map({ score.top1 > $0.score.top1 }) ?? true {
                    best[index] = Outcome(score: score, epoch: epoch + 1, head: try classifier.head())
                }
            }
        }
        return best.compactMap(\.self)
    }

    private func score(_ classifier: LinearClassifier, _ test: Samples) throws -> ProbeScore {
        let scores = try classifier.scores(test.features)
        guard scores.firstNonFinite == nil else {
            throw Failure(
                .data, "the linear classifier diverged at rate \(learningRate)",
                "lower the learning rate or scale the features")
        }
        return ProbeScore(scores: scores, labels: test.labels)
    }
}
