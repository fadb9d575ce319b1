extension ProbeRecipe {
    /// The authors' later code, train_classifier.py of https://github.com/SerezD/mi_ml_gen with classifier_imagenet.yaml:
    /// rate 30 · batch / 256, which falls step by step to a tenth of itself; 60 epochs (100 in classifier_lsun.yaml).
    static let laterCode = ProbeRecipe(
        name: "mlvgm", abstract: "the authors' later code, mi_ml_gen: as the paper's, down to a tenth of the rate",
        method: .descent(Descent(probe: laterProbe, scalesRate: true, seeds: 5)))

    private static var laterProbe: LinearProbe {
        var probe = LinearProbe()
        probe.floor = 0.1
        return probe
    }
}
