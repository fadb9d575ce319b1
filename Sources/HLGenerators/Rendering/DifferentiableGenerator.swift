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

extension GeneratorSpecification {
    /// The generator, which must have a way back.
    /// - Throws: as `makeGenerator`, and `Failure(.incompatible)` for one that is a program of the user's.
    package func makeDifferentiableGenerator(on backend: any Backend) throws -> any DifferentiableGenerator {
        guard name != "exec" else {
            throw Failure(
                .incompatible, "a walker learns through the generator, and a command has no gradients",
                "take \(Self.names.filter { !$0.hasPrefix("exec") }.joined(separator: ", "))")
        }
        let generator = try makeGenerator(on: backend)
        guard let differentiable = generator as? any DifferentiableGenerator else {
            throw Failure(.software, "the generator \(name) has no gradients", "report this defect")
        }
        return differentiable
    }
}
