import HLNet
import HLTensor

/// A linear classifier of features as they are.
package struct LogisticModel: Sendable {
    /// The class of each output; a single output tells two classes apart, and is of the second.
    package let outputs: [Int]
    /// Of two classes that a single output tells apart the first, whose score is 0.
    package let reference: Int?
    /// F32 [outputs, d].
    package let weight: HostTensor
    /// One for each output.
    package let bias: [Double]
}

/// What came of a logistic regression at one penalty, but for its weights.
package struct LogisticFit: Sendable {
    /// λ, of ½ λ ‖W‖² beside the summed loss.
    package let penalty: Double
    /// scikit-learn's objective, C Σ loss + ½ ‖W‖² with C = 1/λ, where the intercepts are not penalised.
    package let objective: Double
    /// Largest absolute entry of the gradient of the mean loss and its penalty, λ/(2n) ‖W‖², with regard to weights and
    /// intercepts of the features as they are: what scikit-learn compares with its `tol`. Of a fit that has not converged
    /// an estimate.
    package let gradientNorm: Double
    /// Steps of L-BFGS.
    package let iterations: Int
    /// Passes over the features, forth and back.
    package let evaluations: Int
    /// Why L-BFGS ended.
    package let end: LBFGS.End
}

/// A logistic regression at one penalty.
package struct LogisticSolution: Sendable {
    package let fit: LogisticFit
    /// Weights and intercepts in the problem's coordinates, [outputs, d + 1].
    let point: [Double]
}
