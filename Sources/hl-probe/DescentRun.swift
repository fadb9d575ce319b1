import HLCommand
import HLCompute
import HLEncoders
import HLTensor

/// Linear classifiers by gradient descent, one for each seed.
struct DescentRun {
    let probe: LinearProbe
    let scaling: FeatureScaling
    let seeds: [UInt64]
    /// Passes over augmented images; 0 for none.
    let passes: Int

    /// - Parameters:
    ///   - train: features of central crops; their labels are one a sample.
    ///   - augmented: the train features of an augmented pass; nil where the images are not embedded here.
    /// - Returns: what came of every seed, and the classifiers of features as they are.
    func run(
        _ train: LinearProbe.Samples, _ test: LinearProbe.Samples, classes: Int, on backend: any Backend,
        augmented: ((_ pass: Int) throws -> HostTensor)?
    ) throws -> [(outcome: LinearProbe.Outcome, head: LinearHead)] {
        let count = train.labels.count
        if probe.normalises && (probe.batchSize == 1 || count % probe.batchSize == 1) {
            throw refuse(
                "a step of an epoch has one sample, which a batch norm cannot normalise",
                "give another --batch than \(probe.batchSize)")
        }
        let scale = scaling.fitted(to: train.features)
        var features: ((Int) throws -> HostTensor)?
        if let augmented, passes > 0 {
            var kept: [HostTensor] = []
            features = { epoch in
                if epoch >= passes { return kept[epoch % passes] }
                let pass = scale(try augmented(epoch))
                if passes < probe.epochs { kept.append(pass) }
                return pass
            }
        }
        let progress = Progress(total: probe.epochs * count * seeds.count)
        defer { progress.finish() }
        let outcomes = try probe.run(
            train: .init(features: scale(train.features), labels: train.labels),
            test: .init(features: scale(test.features), labels: test.labels), classes: classes, seeds: seeds,
            on: backend, trainFeatures: features, progress: { progress.advance(by: $0) })
        return outcomes.map { ($0, $0.head.behind(scale)) }
    }
}
