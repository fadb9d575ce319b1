extension ProbeRecipe {
    /// The paper's section 4.2: 60 epochs, batches of 256, rate 30 with cosine decay, five runs. The initial weights and the
    /// rest are those of MoCo's and SimSiam's code.
    static let paper = ProbeRecipe(
        name: "paper", abstract: "the paper's linear evaluation: SGD, rate 30, 60 epochs",
        method: .descent(Descent(probe: LinearProbe(), scalesRate: false, seeds: 5)))
}
