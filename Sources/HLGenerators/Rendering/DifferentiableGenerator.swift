import HLCompute
import HLNet
import HLTensor

/// A generator whose images lead a gradient back to the latents that they were made of.
package protocol DifferentiableGenerator: Generator {
    /// Images F32 [B, 3, S, S], 0…1, on the tape of a pass.
    /// - Parameters:
    ///   - z: latents of the space z, [B, n · m].
    ///   - ids: of the B samples; only random noise images depend on them, as on the view.
    ///   - substitution: takes only some layers from z, where the generator has mapped latents.
    /// - Throws: `Failure(.usage)` for a substitution where there are none.
    func images(
        _ z: Variable, ids: [Int64], view: Int, substituting substitution: LayerSubstitution?, _ pass: Pass
    ) throws -> Variable
}

/// Which layers take w from the moved latent, and where the others have theirs from.
package struct LayerSubstitution {
    /// Ascending, each once.
    package let layers: [Int]
    /// The anchors' mapped latents, [B, layers · width].
    package let anchors: Tensor

    package init(layers: [Int], anchors: Tensor) {
        self.layers = layers
        self.anchors = anchors
    }
}
