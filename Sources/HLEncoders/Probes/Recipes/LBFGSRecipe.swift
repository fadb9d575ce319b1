extension ProbeRecipe {
    /// Kornblith et al., *Do better ImageNet models transfer better?*, CVPR 2019, appendix A.2, which SimCLR, BYOL and
    /// ssl-transfer's linear.py (https://github.com/linusericsson/ssl-transfer) follow: logistic regression by L-BFGS on
    /// embeddings of central crops, 45 penalties from 1e-6 to 1e5. The share of 0.2 for validation, where the set has no
    /// validation part, is ssl-transfer's; here it is drawn class by class.
    static let lbfgs = ProbeRecipe(
        name: "lbfgs", abstract: "logistic regression by L-BFGS, the penalty chosen on a validation set",
        method: .regression(
            Regression(
                search: PenaltySearch(solver: .init(iterationLimit: 1000)), validationShare: 0.2, seeds: 1, draws: 5)))
}
