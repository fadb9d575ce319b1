import HLFormats
import HLTensor

/// A generator as the TensorFlow code of StyleGAN2 and StyleGAN2-ada pickles it: a tuple (G, D, Gs) of networks, of
/// which Gs, the moving average, is taken. A network has variables and components, which are networks.
struct TensorFlowGenerator {
    private let network: PickleObject

    /// Nil where the pickle holds something else.
    /// - Throws: `Failure(.incompatible)` for networks that are no generator of StyleGAN2.
    init?(in value: PickleValue) throws {
        let networks = (value.elements ?? [value]).prefix(4).map { Self.network($0) }
        guard networks.contains(where: { $0 != nil }) else { return nil }
        guard networks.count == 1 || networks.count == 3, let last = networks.last, let network = last else {
            throw Failure(
                .incompatible, "it holds \(networks.count) objects, not the three networks (G, D, Gs) of StyleGAN2",
                "name a .pkl of NVIDIA's StyleGAN2")
        }
        self.network = network
        guard let version = network.attribute("version")?.number, version >= 4 else {
            throw Failure(
                .incompatible, "it is a network of an older form than StyleGAN2's, such as StyleGAN or ProGAN",
                "name a .pkl of StyleGAN2 or StyleGAN2-ada")
        }
    }

    private static func network(_ value: PickleValue) -> PickleObject? {
        guard let object = value.object, object.module == "dnnlib.tflib.network", object.name == "Network" else {
            return nil
        }
        return object
    }

    func contents() throws -> GeneratorFile.Contents {
        let settings = try settings()
        var tensors: [GeneratorFile.Tensor] = []
        var resolutions: Set<Int> = []
        for (path, value) in try variables() where path != "lod" {
            guard !path.contains("ToRGB_lod") else {
                throw Failure(
                    .incompatible, "it has layers of progressive growing (\(path.prefix(60))), which is not supported",
                    "use a network of NVIDIA's configurations E or F")
            }
            let variable = TensorFlowVariable(path)
            if let oblong = variable.oblong {
                throw Failure(
                    .incompatible, "it has blocks of \(oblong.prefix(20)) pixels: its images are not square",
                    "use a network of square images whose side is a power of two")
            }
            if let resolution = variable.resolution { resolutions.insert(resolution) }
            tensors.append(try variable.tensor(value))
        }
        let filter = try filter()
        for resolution in resolutions.sorted() {
            for layer in resolution == 4 ? ["", "conv1."] : ["", "conv0.", "conv1."] {
                tensors.append(.init(name: "synthesis.b\(resolution).\(layer)resample_filter", stored: filter))
            }
        }
        return .init(tensors: tensors, settings: settings)
    }

    // MARK: Variables

    /// All variables under their paths in Gs, such as `synthesis/4x4/Conv/weight`.
    private func variables() throws -> [(path: String, value: PickleValue)] {
        var found: [(path: String, value: PickleValue)] = []
        var networks: [(path: String, network: PickleObject)] = [("", network)]
        // Networks can be shared, but not without bounds.
        for index in 0..<16 where index < networks.count {
            let (path, network) = networks[index]
            for variable in network.attribute("variables")?.elements ?? [] {
                guard let parts = variable.elements, parts.count == 2, let name = parts[0].text,
                    name.utf8.count <= 256, found.count < 1 << 12
                else { throw malformedNetwork("its variables are no pairs of name and value") }
                found.append((path + name, parts[1]))
            }
            for (name, component) in network.attribute("components")?.dictionary?.entries.prefix(16) ?? [] {
                guard let name = name.text, name.utf8.count <= 256, let part = Self.network(component) else {
                    throw malformedNetwork("a component is no network")
                }
                networks.append(("\(path)\(name)/", part))
            }
        }
        guard networks.count <= 16 else { throw malformedNetwork("its networks nest without end") }
        return found
    }

    // MARK: Settings

    /// Arguments of the network's function that change nothing but shapes, or training, or are read elsewhere.
    private static let harmless: Set<String> = [
        "latent_size", "label_size", "label_fmaps", "dlatent_size", "dlatent_broadcast", "num_channels", "resolution",
        "mapping_layers", "mapping_fmaps", "mapping_lrmul", "w_avg_beta", "dlatent_avg_beta", "fmap_base",
        "fmap_decay", "fmap_min", "fmap_max", "fmap_const", "num_fp16_res", "conv_clamp", "resample_kernel",
        "architecture", "use_noise", "randomize_noise", "truncation_psi", "truncation_cutoff", "truncation_psi_val",
        "truncation_cutoff_val", "style_mixing_prob", "structure", "fused_modconv", "is_training", "is_validation",
        "is_template_graph", "return_dlatents", "dtype", "impl",
    ]

    /// Arguments that must have one of these values where they are given.
    private static let known: [String: [String]] = [
        "nonlinearity": ["lrelu"], "mapping_nonlinearity": ["lrelu"], "mapping_func": ["G_mapping"],
        "synthesis_func": ["G_synthesis_stylegan2", "G_synthesis"],
    ]

    private func settings() throws -> StyleGAN2Settings {
        var settings = StyleGAN2Settings()
        for (key, value) in try arguments().entries {
            guard let key = key.text else { throw malformedNetwork("an argument has no name") }
            if let values = Self.known[key] {
                guard let text = value.text, values.contains(text) else { throw Self.unknownArgument(key, value) }
            } else if key == "normalize_latents" {
                guard value.integer == 1 else { throw Self.unknownArgument(key, value) }
            } else if !Self.harmless.contains(key) {
                throw Self.unknownArgument(key, value)
            }
            switch key {
            case "mapping_lrmul":
                settings.learningRateMultiplier = try StyleGAN2Settings.positive(value.number, key)
            case "conv_clamp": settings.convClamp = try StyleGAN2Settings.clamp(value)
            case "architecture": settings.architecture = value.text ?? "unknown"
            default: break
            }
        }
        return settings
    }

    private func arguments() throws -> PickleDictionary {
        guard let arguments = network.attribute("static_kwargs")?.dictionary, arguments.count < 1 << 10 else {
            throw malformedNetwork("its arguments are missing")
        }
        return arguments
    }

    private static func unknownArgument(_ key: String, _ value: PickleValue) -> Failure {
        let shown = value.text.map { " '\($0.prefix(40))'" } ?? ""
        return Failure(
            .incompatible, "its network is made with \(key.prefix(40))\(shown), which is not known here",
            "only StyleGAN2 of the configurations E and F and StyleGAN2-ada are known")
    }

    /// The low-pass filter [k, k] of the network's argument: its outer product with itself, of sum 1.
    private func filter() throws -> StoredTensor {
        var taps: [Double] = [1, 3, 3, 1]
        if let given = try arguments()["resample_kernel"] {
            guard let elements = given.elements, (1...7).contains(elements.count) else {
                throw Self.unknownArgument("resample_kernel", given)
            }
            taps = elements.compactMap(\.number)
            guard taps.count == elements.count, taps.allSatisfy({ abs($0) < 1e6 }), taps.reduce(0, +) > 1e-6 else {
                throw Self.unknownArgument("resample_kernel", given)
            }
        }
        let sum = taps.reduce(0, +)
        let values = taps.flatMap { row in taps.map { Float(row * $0 / (sum * sum)) } }
        return try StoredTensor(values, shape: [taps.count, taps.count])
    }
}
