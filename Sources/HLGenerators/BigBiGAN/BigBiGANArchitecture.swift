import HLCompute
import HLTensor

/// BigBiGAN in the catalogue.
struct BigBiGANArchitecture: NetworkArchitecture {
    let name = BigBiGAN.name
    let title = "BigBiGAN"
    let options: [GeneratorOption] = [.classIndex, .crop, .filter]
    let landmarks = ["blocks.0.0.conv1.weight", "shared.weight", "linear.weight"]

    /// The published network's latents and, unless another side is wanted, images.
    func specification(_ options: GeneratorOptionValues) -> GeneratorSpecification {
        GeneratorSpecification(name: name, chunks: 6, dimension: 20, resolution: options.size ?? 128)
    }

    func specification(
        of file: GeneratorFile, digest: String, _ options: GeneratorOptionValues
    ) throws -> GeneratorSpecification {
        try BigBiGAN.specification(of: file, path: file.path, digest: digest, rendering: RenderingSettings(options))
    }

    func make(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any Generator {
        try BigBiGAN(specification, file: file, backend: backend)
    }
}
