import HLCompute
import HLTensor

/// A weight that is used divided by its largest singular value (Miyato et al. 2018), which one step of the power iteration
/// at every use in training follows: BigGAN's spectral norm with one singular value and one iteration.
///
/// Code: https://github.com/lukemelas/pytorch-pretrained-gans (BigBiGAN/model/layers.py, `SN`).
package final class SpectralWeight: Module {
    /// [out, in], or [O, I, k, k].
    package let weight: Parameter
    /// The left singular vector as far as it is known, [1, out].
    private let left: Tensor
    /// The singular value of the last use in training, [1]: for people, nothing depends on it.
    private let singularValue: Tensor
    /// Below this, lengths are not divided by: BigBiGAN's.
    private static let epsilon: Float = 1e-4

    /// A weight that begins orthogonal, once it is drawn.
    package init(_ backend: any Backend, _ shape: [Int]) {
        weight = Parameter(backend, shape, .orthogonal)
        left = backend.constant(0, shape: [1, shape[0]])
        singularValue = backend.constant(1, shape: [1])
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "weight", .parameter(weight))
        try body(prefix + "u0", .buffer(left, .normal(standardDeviation: 1)))
        try body(prefix + "sv0", .buffer(singularValue, .constant(1)))
    }

    /// weight / σ.
    package func callAsFunction(_ pass: Pass) -> Variable {
        let backend = pass.backend, weight = weight
        let normalisation = backend.spectralNorm(weight.value, left: left, epsilon: Self.epsilon)
        if pass.isTraining {
            backend.assignRows(normalisation.left, to: left, at: 0)
            backend.assignRows(backend.reshaped(normalisation.singularValue, [1]), to: singularValue, at: 0)
        }
        return pass.tape.result(normalisation.weight, from: [weight]) { gradient in
            weight.sink.receive(backend.spectralNormBackward(gradient, normalisation), backend)
        }
    }
}
