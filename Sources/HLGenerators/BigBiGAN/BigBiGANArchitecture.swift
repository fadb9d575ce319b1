import HLCompute
import HLFormats
import HLTensor

/// BigBiGAN in the catalogue.
struct BigBiGANArchitecture: NetworkArchitecture {
    let name = BigBiGAN.name
    let title = "BigBiGAN"
    let options: [GeneratorOption] = [.classIndex, .crop, .filter, .precision]
    let members = BigBiGANTraining.members
    let landmarks = ["blocks.0.0.conv1.weight", "shared.weight", "linear.weight"]

    /// The published network's latents and, unless another side is wanted, images.
    func specification(_ options: GeneratorOptionValues) -> GeneratorSpecification {
        GeneratorSpecification(name: name, chunks: 6, dimension: 20, resolution: options.size ?? 128)
    }

    func specification(
        of file: GeneratorFile, digest: String, _ options: GeneratorOptionValues
    ) throws -> GeneratorSpecification {
        let network = try BigBiGAN.specification(
            of: file, path: file.path, digest: digest, rendering: RenderingSettings(options))
        guard let training = file.settings as? BigBiGANTraining else { return network }
        return network.replacingOwn(with: training.json)
    }

    func settings(of file: ModelFile, prefix: String) throws -> (any Sendable)? {
        guard case .safetensors(_, let metadata) = file else { return nil }
        return try BigBiGANTraining(metadata: metadata)
    }

    func make(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any Generator {
        try BigBiGAN(specification, file: file, backend: backend)
    }
}
