extension ProbeRecipe {
    /// COP-Gen's main_linear.py with the arguments of its README (https://github.com/LiYinqi/COP-Gen), which are GenRep's:
    /// rate 2 · batch / 256, which falls epoch by epoch, counted from 1, to 0.2³ of itself; batches of 224; PyTorch's own
    /// initial weights; one run, of which the best epoch on the test set is reported. Its images have a side of 128 pixels
    /// behind a crop of 7/8; here the encoder decides.
    static let copGen = ProbeRecipe(
        name: "copgen", abstract: "COP-Gen's main_linear.py: SGD, rate 2 x batch/256, best epoch on the test set",
        method: .descent(Descent(probe: copGenProbe, scalesRate: true, seeds: 1)))

    private static var copGenProbe: LinearProbe {
        var probe = LinearProbe(learningRate: 2, epochs: 60, batchSize: 224)
        probe.decay = .epoch
        probe.floor = 0.008
        probe.start = .uniform
        probe.reported = .best
        return probe
    }
}
