import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLTensor

/// Runs a recipe on sets that have been read and matched.
struct Evaluation {
    let recipe: ProbeRecipe
    let descent: DescentOptions
    let regression: RegressionOptions
    /// The first one.
    let seed: UInt64
    /// How many; nil leaves it to the recipe.
    let seedCount: Int?
    let scaling: FeatureScaling
    /// With as many neighbours as were asked for.
    let neighbours: NearestNeighbours
    /// Train, validation if there is one, test; as in `samples`.
    let sets: [ProbeSet]
    let samples: [TargetedFeatures]
    let classes: ProbeClasses
    let metric: ChosenMetric
    let encoder: (encoder: Encoder, name: String)?
    let backend: any Backend

    private var train: TargetedFeatures { samples[0] }
    private var validation: TargetedFeatures? { samples.count > 2 ? samples[1] : nil }
    private var test: TargetedFeatures { samples[samples.count - 1] }

    func report() throws -> ProbeReport {
        switch recipe.method {
        case .descent(let settings): try report(settings)
        case .regression(let settings): try report(settings)
        case .ridge(let classifier): try report(classifier)
        }
    }

    private func seeds(_ standard: Int) -> [UInt64] {
        (0..<UInt64(seedCount ?? standard)).map { seed + $0 }
    }

    // MARK: Gradient descent

    private func report(_ recipe: ProbeRecipe.Descent) throws -> ProbeReport {
        let settings = descent.probe(recipe)
        let run = DescentRun(
            probe: settings, scaling: scaling, seeds: seeds(recipe.seeds),
            passes: min(descent.passes ?? settings.epochs, settings.epochs))
        let (train, test) = (single(train), single(test))
        let neighbours = try nearest(train, test)
        var augmented: ((Int) throws -> HostTensor)?
        if let encoder = encoder?.encoder {
            augmented = { pass in
                try encoder.encode(
                    .host(sets[0].content), augmentation: .linearProbe, ids: sets[0].ids, epoch: pass,
                    seed: seed)
            }
        }
        let results = try run.run(train, test, classes: classes.names.count, on: backend, augmented: augmented)
        let outcomes = results.map(\.outcome)
        let images =
            encoder == nil
            ? "embedded before" : run.passes == 0 ? "central crop" : "random crop and flip, \(run.passes) passes"
        return report(
            .init(run, images: images), .init(seeds: run.seeds, measures: outcomes.map { Measures($0.score) }),
            head: results.first?.head, epochs: settings.reported == .best ? outcomes.map(\.epoch) : nil,
            neighbours: neighbours)
    }

    /// Samples of one label; where they may show several, of the first of them.
    private func single(_ samples: TargetedFeatures) -> LinearProbe.Samples {
        guard case .one(let labels, _) = samples.targets else { preconditionFailure("SGD is for one label a sample") }
        return LinearProbe.Samples(features: samples.features, labels: labels)
    }

    // MARK: Regression

    private func report(_ recipe: ProbeRecipe.Regression) throws -> ProbeReport {
        let options = regression, share = options.validationShare ?? recipe.validationShare
        let run = RegressionRun(
            search: try options.search(recipe), validationShare: share, scaling: scaling, metric: metric.metric,
            backend: backend)
        let isDrawn = validation == nil && run.search.penalties.count > 1
        let shots = try options.shotCounts()
        if !isDrawn && shots.isEmpty && (seedCount ?? 1) > 1 {
            throw refuse(
                "\(seedCount ?? 1) seeds give the same classifier, for nothing is drawn",
                "leave out --seeds, or --validation and --penalty")
        }
        try checkShots(shots)
        var neighbours: (NearestNeighbours, Measures)?
        if case .one = train.targets { neighbours = try nearest(single(train), single(test)) }
        let own = isDrawn ? seeds(recipe.seeds) : [seed]
        let progress = Progress(total: own.count * run.search.penalties.count, unit: "fits")
        let results = try own.map { seed in
            try run.run(train, validation: validation, test: test, seed: seed) { progress.advance(by: 1) }
        }
        progress.finish()
        let few = try shots.map { count in
            let results = try seeds(recipe.draws).map { seed in
                try run.run(shots: count, train, validation: validation, test: test, seed: seed)
            }
            return (count, row(results), results)
        }
        warnAboutConvergence(results + few.flatMap(\.2))
        let judge = validation == nil ? "\(share) of each class of train, drawn by seed" : "the validation set"
        let images = encoder == nil ? "embedded before" : "central crop"
        return report(
            .init(
                run, validation: run.search.penalties.count > 1 ? judge : validation == nil ? "none" : "learnt from",
                images: images), row(results), head: results.first?.head,
            fits: results, shots: few, neighbours: neighbours)
    }

    private func row(_ results: [RegressionRun.Result]) -> ProbeReport.Row {
        .init(seeds: results.map(\.seed), measures: results.map(\.measures))
    }

    /// - Throws: `Failure` where no class has so many samples, or samples show several.
    private func checkShots(_ shots: [Int]) throws {
        guard let most = shots.last else { return }
        guard case .one = train.targets else {
            throw refuse("--shots is for samples of one label", "leave it out, or give --metric top1")
        }
        let counts = train.targets.samplesOfClasses.enumerated().filter { $0.element > 0 }
        if let largest = counts.map(\.element).max(), largest < most {
            throw Failure(
                .data, "no class of the train set has \(most) samples, the largest has \(largest)",
                "give --shots up to \(largest)")
        }
        let small = counts.filter { $0.element < most }
        if let first = small.first {
            warn(
                "\(counted(small.count, "class has", "classes have")) fewer than \(most) train samples, such as \(classes.names[first.offset]) with "
                    + "\(first.element): all of theirs are shots")
        }
    }

    private func warnAboutConvergence(_ results: [RegressionRun.Result]) {
        for result in results where result.fit.end != .converged {
            warn(
                "the fit at penalty \(result.fit.penalty) has not converged: its gradient is "
                    + "\(result.fit.gradientNorm) after \(result.fit.iterations) steps; give more --iterations or a larger "
                    + "--tolerance")
        }
        let path = results.flatMap { $0.path?.steps ?? [] }, open = path.count { $0.fit.end != .converged }
        if open > 0 { warn("\(open) of the \(path.count) fits that chose the penalty have not converged") }
    }

    // MARK: Ridge regression

    private func report(_ classifier: RidgeClassifier) throws -> ProbeReport {
        let all = single(validation.map { train + $0 } ?? train), judges = single(test)
        let scale = scaling.fitted(to: all.features)
        let fit = try classifier.fit(
            .init(features: scale(all.features), labels: all.labels), classes: classes.names.count, on: backend)
        let scores = try fit.head.scores(scale(judges.features), on: backend)
        return report(
            .init(classifier, fit, scaling, images: encoder == nil ? "embedded before" : "central crop"),
            .init(seeds: [seed], measures: [Measures(ProbeScore(scores: scores, labels: judges.labels))]),
            head: fit.head.behind(scale), neighbours: try nearest(single(train), judges))
    }

    // MARK: All

    private func nearest(
        _ train: LinearProbe.Samples, _ test: LinearProbe.Samples
    ) throws -> (NearestNeighbours, Measures) {
        let settings = NearestNeighbours(k: min(neighbours.k, train.labels.count), temperature: neighbours.temperature)
        let votes = try settings.scores(
            train: train, test: test.features, classes: classes.names.count, on: backend)
        return (settings, Measures(ProbeScore(scores: votes, labels: test.labels)))
    }

    /// `hl.encoder` of the train set, where it was embedded before.
    private var embedding: JSONValue? {
        sets[0].header.metadata["hl.encoder"].flatMap { try? JSONValue(parsing: $0, name: "hl.encoder") }
    }

    private func report(
        _ settings: ProbeReport.Settings, _ linear: ProbeReport.Row, head: LinearHead?,
        fits: [RegressionRun.Result] = [], epochs: [Int]? = nil,
        shots: [(Int, ProbeReport.Row, [RegressionRun.Result])] = [],
        neighbours: (NearestNeighbours, Measures)?
    ) -> ProbeReport {
        ProbeReport(
            recipe: recipe, encoder: encoder?.name,
            supervision: encoder?.encoder.description.supervision ?? embedding?["supervision"]?.string, sets: sets,
            dimension: train.features.rowSize, classes: classes,
            metric: metric,
            settings: settings, linear: linear, head: head, fits: fits, epochs: epochs,
            shots: shots.map { (count: $0.0, row: $0.1, fits: $0.2) },
            neighbours: neighbours.map { (settings: $0.0, measures: $0.1) })
    }
}
