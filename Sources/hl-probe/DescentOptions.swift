import ArgumentParser
import HLCommand
import HLEncoders

/// Options of recipes by gradient descent.
struct DescentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "With an encoder: augmented passes over the train images, used in turn by the epochs; 0 takes the central "
                + "crops. (integer from 0; default: a pass for every epoch)", valueName: "n"))
    var passes: Int?

    @Option(
        help: ArgumentHelp(
            "Passes over the train set. (integer from 1 to 100000; default: the recipe's, 60)", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "Learning rate at the beginning. (number above 0; default: the recipe's: paper 30, copgen 2 x batch/256, "
                + "mlvgm 30 x batch/256)", valueName: "x"))
    var learningRate: Float?

    @Option(
        help: ArgumentHelp(
            "Samples per step. (integer from 1 to 65536; default: the recipe's: copgen 224, else 256)", valueName: "n"))
    var batch: Int?

    @Flag(help: "Put a batch norm without affine part before the layer.")
    var batchNorm = false

    /// The first of them that was given.
    var given: String? {
        if passes != nil { return "--passes" }
        if epochs != nil { return "--epochs" }
        if learningRate != nil { return "--learning-rate" }
        if batch != nil { return "--batch" }
        return batchNorm ? "--batch-norm" : nil
    }

    func validate() throws {
        if let epochs {
            try check(
                (1...100_000).contains(epochs), "cannot train for \(epochs) epochs", "give --epochs from 1 to 100000")
        }
        if let learningRate {
            try check(
                learningRate > 0 && learningRate.isFinite, "cannot train at rate \(learningRate)",
                "give --learning-rate above 0")
        }
        if let batch {
            try check(
                (1...65_536).contains(batch), "cannot train on \(batch) samples a step", "give --batch from 1 to 65536")
        }
        if let passes { try check(passes >= 0, "cannot make \(passes) passes", "give --passes from 0") }
    }

    /// A recipe's settings, but for what was given.
    func probe(_ recipe: ProbeRecipe.Descent) -> LinearProbe {
        var probe = recipe.probe
        probe.epochs = epochs ?? probe.epochs
        probe.batchSize = batch ?? probe.batchSize
        let standard = recipe.scalesRate ? probe.learningRate * Float(probe.batchSize) / 256 : probe.learningRate
        probe.learningRate = learningRate ?? standard
        probe.normalises = batchNorm
        return probe
    }
}
