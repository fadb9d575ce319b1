import HLCompute
import HLNet
import HLTensor

/// Linear evaluation of frozen features by the paper's protocol.
///
/// A linear layer with weights from N(0, 0.01) and bias 0, trained by SGD with momentum 0.9, rate 30, no decay, batches
/// of 256 and cross-entropy for 60 epochs. The rate falls by half a cosine to 0, step by step (MoCo's and SimSiam's
/// code: epoch by epoch); it is not scaled by the batch. The last, smaller batch of an epoch is used. Rate 30 is meant
/// for the mean-pooled, non-negative features of a ResNet.
package struct LinearProbe: Sendable, Equatable {
    package var learningRate: Float
    package var epochs: Int
    package var batchSize: Int
    package var momentum: Float

    package init(learningRate: Float = 30, epochs: Int = 60, batchSize: Int = 256, momentum: Float = 0.9) {
        self.learningRate = learningRate
        self.epochs = epochs
        self.batchSize = batchSize
        self.momentum = momentum
    }

    /// The learning rates of a training on `count` samples.
    package func schedule(count: Int) -> Schedule {
        Schedule(base: learningRate, steps: epochs * stepsPerEpoch(count: count))
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
    ) throws -> [ProbeScore] {
        precondition(train.features.rowSize == test.features.rowSize && !train.labels.isEmpty)
        let count = train.labels.count, schedule = schedule(count: count)
        let classifiers = seeds.map {
            LinearClassifier(
                backend, inputs: train.features.rowSize, classes: classes, momentum: momentum, seed: $0)
        }
        for epoch in 0..<epochs {
            let features = try trainFeatures?(epoch) ?? train.features
            for (classifier, seed) in zip(classifiers, seeds) {
                let order = Permutation(count: count, seed: seed, purpose: .probeOrder, epoch: epoch)
                for start in stride(from: 0, to: count, by: batchSize) {
                    let batch = order.elements(at: start..<min(start + batchSize, count))
                    classifier.step(
                        features.gather(batch), labels: batch.map { train.labels[$0] },
                        rate: schedule.rate(classifier.stepsTaken))
                }
                progress(count)
            }
        }
        return try classifiers.map { classifier in
            let scores = try classifier.scores(test.features)
            guard scores.firstNonFinite == nil else {
                throw Failure(
                    .data, "the linear classifier diverged at rate \(learningRate)",
                    "lower the learning rate or scale the features")
            }
            return ProbeScore(scores: scores, labels: test.labels)
        }
    }
}

/// A linear layer and its optimiser.
package final class LinearClassifier {
    package let layer: Linear
    private let backend: any Backend
    private let optimiser: SGD

    package var stepsTaken: Int { optimiser.stepsTaken }

    package init(_ backend: any Backend, inputs: Int, classes: Int, momentum: Float, seed: UInt64) {
        self.backend = backend
        layer = Linear(
            backend, inputs, classes, weightInitialiser: .normal(standardDeviation: 0.01),
            biasInitialiser: .constant(0))
        layer.initialise(seed: seed, on: backend)
        optimiser = SGD(backend, layer.parameters, momentum: momentum, decay: 0)
    }

    /// One step of SGD on the mean cross-entropy of features F32 [B, d].
    package func step(_ features: HostTensor, labels: [Int32], rate: Float) {
        let pass = Pass(Tape(backend), training: true)
        let logits = layer(Variable(backend.tensor(features)), pass)
        _ = CrossEntropyLoss.apply(logits, labels: labels, pass)
        pass.tape.run()
        optimiser.step(rate: rate)
    }

    /// Logits F32 [N, classes] of features F32 [N, d].
    package func scores(_ features: HostTensor) throws -> HostTensor {
        let pass = Pass(Tape(backend, recording: false), training: false)
        let blocks = stride(from: 0, to: features.rowCount, by: 4096).map { start in
            layer(
                Variable(backend.tensor(features.rows(start..<min(start + 4096, features.rowCount)))), pass
            ).value
        }
        return HostTensor.concatenate(try blocks.map { try backend.read($0) })
    }
}
