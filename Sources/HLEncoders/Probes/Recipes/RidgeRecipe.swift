extension ProbeRecipe {
    /// Ridge regression on ±1, its penalty by leave-one-out residuals, in closed form: no step, no seed, no validation set.
    /// What hl-train --eval reports while it trains.
    static let ridge = ProbeRecipe(
        name: "ridge",
        abstract: "ridge regression in closed form, the penalty chosen by leaving out one sample at a time",
        method: .ridge(RidgeClassifier()))
}
