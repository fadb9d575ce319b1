import HLCompute
import HLTensor

/// A generator whose images lead a gradient back to the latents that they were made of.
package protocol DifferentiableGenerator: Generator {
    /// Images of z, and the way back to it.
    /// - Parameters:
    ///   - latents: of the space z.
    ///   - substitution: takes only some layers from z, where the generator has mapped latents.
    func differentiableImages(_ latents: Latents, substituting substitution: LayerSubstitution?) throws
        -> DifferentiableImages
}

/// Which layers take w from the moved latent, and where the others have theirs from.
package struct LayerSubstitution: Sendable {
    /// Ascending, each once.
    package let layers: [Int]
    /// The anchors' mapped latents, F32 [B, layers, width].
    package let anchors: HostTensor

    package init(layers: [Int], anchors: HostTensor) {
        self.layers = layers
        self.anchors = anchors
    }
}

/// Images and the way back to their latents.
package struct DifferentiableImages {
    /// F32 [B, 3, S, S], 0…1.
    package let images: HostTensor
    /// dL/dz, F32 [B, n · m], from dL/dimages, F32 [B, 3, S, S]. To be called once: what was kept for it is gone then.
    package let latentGradient: (HostTensor) throws -> HostTensor
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
