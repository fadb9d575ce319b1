import HLEncoders
import HLFormats

extension ProbeReport.Settings {
    /// Of a recipe by gradient descent.
    init(_ run: DescentRun, images: String) {
        let probe = run.probe
        json = [
            "learning_rate": .float(probe.learningRate), "final_rate": .float(probe.floor * probe.learningRate),
            "epochs": .integer(Int64(probe.epochs)), "batch": .integer(Int64(probe.batchSize)),
            "momentum": .float(probe.momentum), "weight_decay": 0, "schedule": .string(probe.decay.rawValue),
            "initial": .string(probe.start.rawValue), "reported": .string(probe.reported.rawValue),
            "batch_norm": probe.normalises ? "without affine part" : .null,
            "features": .string(run.scaling.rawValue), "train_images": .string(images),
        ]
        text =
            "SGD, rate \(probe.learningRate), \(probe.decay.rawValue) to \(probe.floor * probe.learningRate), momentum "
            + "\(probe.momentum), \(probe.epochs) epoch\(probe.epochs == 1 ? "" : "s") in batches of \(probe.batchSize), \(probe.reported.rawValue)"
            + (probe.normalises ? ", behind a batch norm" : "") + "; features \(run.scaling.rawValue), images \(images)"
    }

    /// Of a recipe by regression.
    init(_ run: RegressionRun, validation: String, images: String) {
        let search = run.search, range = search.penalties
        json = [
            "solver": "L-BFGS", "objective": "C sum(loss) + 1/2 |W|^2, C = 1/penalty, intercepts not penalised",
            "penalties": .array(range.map { .number($0) }), "validation": .string(validation),
            "chosen_by": .string(Measures.name(run.metric)), "refit": "train and validation",
            "tolerance": .number(search.solver.tolerance),
            "max_iterations": .integer(Int64(search.solver.iterationLimit)),
            "memory": .integer(Int64(search.solver.memory)),
            "start": "each on the line through the two stronger penalties before it",
            "features": .string(run.scaling.rawValue), "train_images": .string(images),
        ]
        let penalties =
            range.count == 1
            ? "penalty \(range[0])" : "\(range.count) penalties from \(range[0]) to \(range[range.count - 1])"
        text =
            "logistic regression by L-BFGS, \(penalties), tolerance \(search.solver.tolerance), validation: \(validation); "
            + "features \(run.scaling.rawValue), images \(images)"
    }

    /// Of ridge regression.
    init(_ classifier: RidgeClassifier, _ fit: RidgeClassifier.Fit, _ scaling: FeatureScaling, images: String) {
        let shares = classifier.shares
        json = [
            "solver": "closed form", "objective": "sum((y - w x - b)^2) + penalty |w|^2, y 1 or -1, b not penalised",
            "penalties": .array(shares.map { .number($0) }), "penalty_unit": "mean of the squares' sums",
            "validation": "leave one out", "penalty": .number(fit.penalty), "penalty_share": .number(fit.share),
            "leave_one_out_error": .number(fit.error), "features": .string(scaling.rawValue),
            "train_images": .string(images),
        ]
        text =
            "ridge regression, the best of \(shares.count) penalties by leaving out one sample at a time: "
            + "\(ProbeReport.short(fit.penalty)), \(ProbeReport.short(fit.share)) of the features' mean square sum; features \(scaling.rawValue), images \(images)"
    }
}
