import HLCommand
import HLCompute
import HLData
import HLEncoders
import HLTensor

/// Logistic regressions whose penalty a validation set chooses.
struct RegressionRun {
    let search: PenaltySearch
    /// Of the train set, where there is no validation set.
    let validationShare: Double
    let scaling: FeatureScaling
    /// Chooses the penalty.
    let metric: ReportedMetric
    let backend: any Backend

    /// One classifier and how it came about.
    struct Result {
        /// Of the train set's split, or of the draw of its samples.
        let seed: UInt64
        /// On the test set.
        let measures: Measures
        /// Of what was reported.
        let fit: LogisticFit
        /// Samples that it was fitted on.
        let fitted: Int
        /// How the penalty was chosen; nil where it was given.
        let path: PenaltySearch.Path?
        /// Samples that chose it.
        let validated: Int
        /// Of features as they are; nil where samples show several classes.
        let head: LinearHead?
    }

    /// A classifier of the whole train set: the penalty chosen, then fitted on train and validation set.
    /// - Parameter validation: nil takes a share of the train set.
    func run(
        _ train: TargetedFeatures, validation: TargetedFeatures?, test: TargetedFeatures, seed: UInt64,
        progress: () -> Void
    ) throws -> Result {
        let all = validation.map { train + $0 } ?? train
        if search.penalties.count == 1 {
            return try finish(all, nil, search.penalties[0], test, seed)
        }
        let part: TargetedFeatures, judges: TargetedFeatures
        if let validation { (part, judges) = (train, validation) } else { (part, judges) = try split(train, seed) }
        let choice = try choose(part, judges, progress)
        return try finish(all, choice, choice.path.penalty, test, seed)
    }

    /// A classifier of few samples of each class, which no other label helps but those of a validation set.
    func run(
        shots: Int, _ train: TargetedFeatures, validation: TargetedFeatures?, test: TargetedFeatures, seed: UInt64
    ) throws -> Result {
        guard case .one(let labels, let classes) = train.targets else { preconditionFailure("shots are of one label") }
        let drawn = train.gather(SampleDraws.shots(labels, classes: classes, shots: shots, seed: seed))
        if search.penalties.count == 1 {
            return try finish(drawn, nil, search.penalties[0], test, seed)
        }
        if let validation {
            let choice = try choose(drawn, validation, {})
            return try finish(drawn, choice, choice.path.penalty, test, seed)
        }
        // Of a single sample none can be held back: scikit-learn's C = 1.
        if shots == 1 { return try finish(drawn, nil, 1, test, seed) }
        let (part, judges) = try split(drawn, seed), choice = try choose(part, judges, {})
        return try finish(drawn, choice, choice.path.penalty, test, seed)
    }

    /// - Throws: `Failure` (data) where no sample can be held back.
    private func split(_ train: TargetedFeatures, _ seed: UInt64) throws -> (TargetedFeatures, TargetedFeatures) {
        let (rest, taken) = SampleDraws.split(train.targets, share: validationShare, seed: seed)
        guard !taken.isEmpty else {
            throw Failure(
                .data, "no class of the train set has two samples, of which one could choose the penalty",
                "give --validation a stream, or --penalty one number")
        }
        return (train.gather(rest), train.gather(taken))
    }

    /// A penalty, and where the fit at it ended.
    private struct Choice {
        let path: PenaltySearch.Path
        let model: LogisticModel
        /// Samples that chose it.
        let validated: Int
    }

    /// - Throws: `Failure` (data) where the samples that are fitted or those that judge them say nothing.
    private func choose(
        _ part: TargetedFeatures, _ judges: TargetedFeatures, _ progress: () -> Void
    ) throws -> Choice {
        let least = if case .one = part.targets { 2 } else { 1 }
        guard part.targets.learnable.count >= least else {
            throw Failure(
                .data, "what is left of the train set beside the validation samples has nothing to tell classes by",
                "give --validation a stream, or --penalty one number")
        }
        let scale = scaling.fitted(to: part.features)
        let (path, model) = try search.path(
            TargetedFeatures(features: scale(part.features), targets: part.targets),
            validation: scale(judges.features),
            judge: {
                let value = Measures(scores: $0, judges.targets).value(metric)
                // All penalties would be equally good.
                if value.isNaN {
                    throw Failure(
                        .data,
                        "the validation samples have no \(Measures.name(metric)): no class is shown by some of them "
                            + "and not by others", "give --validation more samples, or --penalty one number")
                }
                return value
            }, on: backend, progress: progress)
        return Choice(path: path, model: model, validated: judges.targets.count)
    }

    private func finish(
        _ samples: TargetedFeatures, _ choice: Choice?, _ penalty: Double, _ test: TargetedFeatures, _ seed: UInt64
    ) throws -> Result {
        let scale = scaling.fitted(to: samples.features)
        let (fit, model, scores) = try search.fit(
            TargetedFeatures(features: scale(samples.features), targets: samples.targets), penalty: penalty,
            // Scaled anew, the features have weights of their own.
            from: scaling == .standard ? nil : choice?.model, test: scale(test.features), on: backend)
        var head: LinearHead?
        if case .one(_, let classes) = samples.targets { head = LinearHead(model, classes: classes).behind(scale) }
        return Result(
            seed: seed, measures: Measures(scores: scores, test.targets), fit: fit, fitted: samples.targets.count,
            path: choice?.path, validated: choice?.validated ?? 0, head: head)
    }
}
