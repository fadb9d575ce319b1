/// A way to judge frozen features by a linear classifier, as somebody published it: what counts where nothing else is
/// said.
package struct ProbeRecipe: Sendable {
    /// As a user names it.
    package let name: String
    /// Whose it is, in a few words.
    package let abstract: String
    /// How the classifier is made.
    package let method: Method

    /// The kinds of recipe; an option belongs to one of them.
    package enum Method: Sendable {
        /// Stochastic gradient descent, on augmented images where they are embedded here.
        case descent(Descent)
        /// Logistic regression on embeddings made once.
        case regression(Regression)
        /// Ridge regression in closed form, which has no options of its own.
        case ridge(RidgeClassifier)
    }

    /// A recipe by gradient descent.
    package struct Descent: Sendable {
        /// Its settings, the rate for 256 samples a step.
        package let probe: LinearProbe
        /// Whether the rate is `probe.learningRate` · batch / 256.
        package let scalesRate: Bool
        /// Classifiers.
        package let seeds: Int
    }

    /// A recipe by logistic regression.
    package struct Regression: Sendable {
        /// Penalties and solver.
        package let search: PenaltySearch
        /// Share of the train set that chooses the penalty where there is no validation set.
        package let validationShare: Double
        /// Draws of the validation share.
        package let seeds: Int
        /// Draws of few shots.
        package let draws: Int
    }
}
