import HLFormats
import HLTensor

extension GeneratorFile {
    /// What a file of StyleGAN2 says beyond its tensors; the defaults where it is another's.
    package var styleGAN2: StyleGAN2Settings { settings as? StyleGAN2Settings ?? StyleGAN2Settings() }
}

/// What a StyleGAN2 generator computes beyond what its tensors say.
package struct StyleGAN2Settings: Sendable, Equatable {
    /// The bound on the magnitude of what each convolution gives, after its activation; nil for none.
    package var convClamp: Float?
    /// The factor on weights and biases of the mapping's layers.
    package var learningRateMultiplier: Float = 0.01
    /// How the blocks' images come together; `skip` is the only one that is known.
    package var architecture = "skip"

    package init() {}

    /// From a safetensors file's `conv_clamp` (a number, or `none`), `lr_multiplier` and `architecture`; what is not
    /// there keeps its default.
    /// - Throws: `Failure(.data)` for something else than these values.
    init(metadata: [String: String]) throws {
        if let text = metadata["conv_clamp"], !["", "none", "null"].contains(text.lowercased()) {
            convClamp = try Self.positive(Double(text), "conv_clamp")
        }
        if let text = metadata["lr_multiplier"] {
            learningRateMultiplier = try Self.positive(Double(text), "lr_multiplier")
        }
        if let text = metadata["architecture"] { architecture = text }
    }

    /// A setting as F32.
    /// - Throws: `Failure(.data)` unless it is a positive, finite number.
    static func positive(_ value: Double?, _ name: String) throws -> Float {
        guard let value, case let single = Float(value), single > 0, single.isFinite else {
            throw Failure(.data, "its \(name) is no positive number", "the file is damaged; make it again")
        }
        return single
    }

    /// Refuses what this version does not compute, going by the settings and by the tensors' names.
    /// - Throws: `Failure(.incompatible)`.
    func check(names: Set<String>) throws {
        var found = architecture
        if names.contains(where: { $0.hasPrefix("synthesis.b") && $0.hasSuffix(".skip.weight") }) {
            found = "resnet"
        } else if names.contains("synthesis.b8.conv1.weight"), !names.contains("synthesis.b4.torgb.weight") {
            // Only the last block makes an image.
            found = "orig"
        }
        guard found == "skip" else {
            throw Failure(
                .incompatible, "it is a StyleGAN2 of the architecture '\(found)', and only 'skip' is known",
                "use a network of NVIDIA's configurations E or F, or one trained with StyleGAN2-ada")
        }
    }
}
