import HLFormats
import HLTensor

extension GeneratorFile {
    static func contents(of file: ModelFile) throws -> Contents {
        switch file {
        case .safetensors(let tensors, let metadata):
            return try contents(tensors) { _ in try StyleGAN2Settings(metadata: metadata) }
        case .pickle(let value):
            if let network = try TensorFlowGenerator(in: value) { return try network.contents() }
            return try contents(collectedTensors(of: value)) { try StyleGAN2Settings(ofModuleAt: $0, in: value) }
        }
    }

    /// The generator among a file's tensors.
    /// - Parameter settings: those of a StyleGAN2 whose tensors' names begin with the given prefix.
    private static func contents(
        _ all: [(name: String, tensor: StoredTensor)], settings: (String) throws -> StyleGAN2Settings
    ) throws -> Contents {
        let (architecture, prefix) = try recognise(Set(all.map(\.name)))
        let own = all.filter { $0.name.hasPrefix(prefix) }.map {
            (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor)
        }
        try checkTensors(own)
        var found = StyleGAN2Settings()
        if architecture == .styleGAN2 {
            found = try settings(prefix)
            try found.check(names: Set(own.map(\.name)))
        }
        return Contents(
            architecture: architecture, settings: found,
            tensors: own.map { Tensor(name: $0.name, stored: $0.tensor) })
    }

    /// The architecture whose landmarks are there, and what stands before them in every name: `module.`,
    /// `state_dict.big_gan.` and the like. Of several copies of one network the moving average is taken.
    ///
    /// - Throws: `Failure(.incompatible)` where there is none, or no telling which.
    static func recognise(_ names: Set<String>) throws -> (Architecture, prefix: String) {
        var found: [(architecture: Architecture, prefix: String)] = []
        for architecture in [Architecture.bigBiGAN, .styleGAN2] {
            let first = architecture.landmarks[0]
            for name in names where name.hasSuffix(first) {
                let prefix = String(name.dropLast(first.count))
                guard prefix.isEmpty || prefix.hasSuffix("."),
                    architecture.landmarks.allSatisfy({ names.contains(prefix + $0) })
                else { continue }
                found.append((architecture, prefix))
            }
        }
        if found.count > 1 {
            let averages = found.filter { isAverage($0.prefix) }
            if averages.count == 1 { found = averages }
        }
        guard let only = found.first else { throw unknown(names) }
        guard found.count == 1 else {
            let prefixes = found.map { $0.prefix.isEmpty ? "alone" : String($0.prefix.dropLast()) }.sorted()
            throw Failure(
                .incompatible, "it holds \(found.count) generators (\(prefixes.prefix(4).joined(separator: ", ")))",
                "save the state dict of one of them alone")
        }
        return only
    }

    /// Whether one of a prefix's words is `ema`, as in `G_ema.`.
    private static func isAverage(_ prefix: String) -> Bool {
        prefix.lowercased().split { $0 == "." || $0 == "_" }.contains("ema")
    }

    private static func unknown(_ names: Set<String>) -> Failure {
        let wanted = [Architecture.bigBiGAN, .styleGAN2].map { $0.landmarks.joined(separator: ", ") }
        let hint = likeness(names).map { "it looks like \($0)" }
        let count = names.isEmpty ? "has no tensors" : "has \(names.count) tensors, but no generator that is known"
        return Failure(
            .incompatible, "it \(count): neither BigBiGAN's \(wanted[0]) nor StyleGAN2's \(wanted[1])",
            hint ?? "name the weights of a BigBiGAN or a StyleGAN2 generator")
    }

    /// Networks that are often taken for one of ours.
    private static func likeness(_ names: Set<String>) -> String? {
        let signs = [
            ("synthesis.input.affine.weight", "StyleGAN3, which is not supported"),
            ("style.1.weight", "StyleGAN2 in another implementation; convert it to the form of StyleGAN2-ada"),
            ("b4.fc.weight", "a discriminator of StyleGAN2; name a file with the generator"),
            ("from_rgb.weight", "a discriminator; name a file with the generator"),
            ("conv1.weight", "an encoder or classifier; name the weights of a generator"),
        ]
        return signs.first { sign in
            names.contains { $0 == sign.0 || $0.hasSuffix("." + sign.0) }
        }?.1
    }
}
