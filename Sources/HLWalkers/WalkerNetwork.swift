import HLCompute
import HLNet

/// T(z) = W₂ ReLU(W₁ z + b₁) + b₂, the step that a walker adds to the d values it moves (COP-Gen's navigator; section 3.2
/// of the paper), in training. `HLViews.Walker` applies a finished one.
package final class WalkerNetwork: Module {
    private let first: Linear
    private let second: Linear

    /// Weights from N(0, 0.01²) and biases from U(−0.001, 0.001), so that T begins near 0.
    package init(_ backend: any Backend, dimension: Int) {
        func layer() -> Linear {
            Linear(
                backend, dimension, dimension, weightInitialiser: .normal(standardDeviation: 0.01),
                biasInitialiser: .uniform(bound: 0.001))
        }
        first = layer()
        second = layer()
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try first.forEachState(prefix + "walker.0.", body)
        try second.forEachState(prefix + "walker.2.", body)
    }

    /// T(z), [B, d] → [B, d].
    package func callAsFunction(_ z: Variable, _ pass: Pass) -> Variable {
        second(pass.relu(first(z, pass)), pass)
    }
}
