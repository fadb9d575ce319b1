import HLCompute
import HLFormats
import HLTensor

/// StyleGAN2 in the catalogue.
struct StyleGAN2Architecture: MappingArchitecture {
    let name = StyleGAN2.name
    let title = "StyleGAN2"
    let options: [GeneratorOption] = [.classIndex, .psi, .cutoff, .noise, .noiseSeed, .crop, .filter, .precision]
    /// The paper's.
    let defaultTruncation = 0.9
    let landmarks = ["synthesis.b4.const", "mapping.fc0.weight"]
    let lookalikes: [(sign: String, what: String)] = [
        ("synthesis.input.affine.weight", "StyleGAN3, which is not supported"),
        ("style.1.weight", "StyleGAN2 in another implementation; convert it to the form of StyleGAN2-ada"),
        ("b4.fc.weight", "a discriminator of StyleGAN2; name a file with the generator"),
    ]

    /// The side decides the layers: two at 4 pixels, and two more for each doubling.
    func specification(_ options: GeneratorOptionValues) throws -> GeneratorSpecification {
        let side = options.size ?? 512
        guard side.nonzeroBitCount == 1, (8...4096).contains(side) else {
            throw Failure(
                .usage, "no StyleGAN2 network makes images of \(side) pixels",
                "without --weights, give --size a power of two from 8 to 4096")
        }
        let layers = 2 * side.trailingZeroBitCount - 2
        return GeneratorSpecification(
            name: name, chunks: 1, dimension: 512, mapped: LatentShape(chunks: layers, dimension: 512),
            resolution: side)
    }

    // MARK: Files

    func converted(_ file: ModelFile) throws -> GeneratorFile.Contents? {
        guard case .pickle(let value) = file else { return nil }
        return try TensorFlowGenerator(in: value)?.contents()
    }

    func settings(of file: ModelFile, prefix: String) throws -> (any Sendable)? {
        switch file {
        case .safetensors(_, let metadata): try StyleGAN2Settings(metadata: metadata)
        case .pickle(let value): try StyleGAN2Settings(ofModuleAt: prefix, in: value)
        }
    }

    func check(_ file: GeneratorFile) throws { try file.styleGAN2.check(names: Set(file.names)) }

    func specification(
        of file: GeneratorFile, digest: String, _ options: GeneratorOptionValues
    ) throws -> GeneratorSpecification {
        var rendering = RenderingSettings(options)
        rendering.psi = options.value(of: "--psi", as: Double.self) ?? rendering.psi
        rendering.cutoff = options.value(of: "--cutoff", as: Int.self)
        rendering.noise = options.value(of: "--noise", as: NoiseMode.self) ?? rendering.noise
        rendering.noiseSeed = options.value(of: "--noise-seed", as: UInt64.self) ?? rendering.noiseSeed
        return try StyleGAN2.specification(of: file, path: file.path, digest: digest, rendering: rendering)
    }

    // MARK: Networks

    func make(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any Generator {
        try StyleGAN2(specification, file: file, backend: backend)
    }

    func mapper(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any LatentMapper {
        try StyleGAN2Mapping(specification, file: file, backend: backend)
    }
}

extension GeneratorOption {
    static let psi = GeneratorOption(
        "--psi", "ψ, by which mapped latents are pulled towards their mean", values: "number; default: 1"
    ) { options in
        if let psi = options.value(of: "--psi", as: Double.self), !psi.isFinite {
            throw Failure(.usage, "ψ cannot be \(psi)", "give --psi a finite number")
        }
    }

    static let cutoff = GeneratorOption(
        "--cutoff", "--psi is for the layers below this one only", values: "integer from 0; default: all layers"
    ) { options in
        if let cutoff = options.value(of: "--cutoff", as: Int.self), !(0...1 << 16).contains(cutoff) {
            throw Failure(.usage, "there is no layer \(cutoff)", "give --cutoff a number from 0")
        }
        if options.value(of: "--psi", as: Double.self) ?? 1 == 1 {
            throw Failure(.usage, "--cutoff limits --psi to some layers", "give --psi too, or leave it out")
        }
    }

    static let noise = GeneratorOption(
        "--noise", "noise images of the weights file, fresh ones for every sample and view, or none",
        values: "default: const")

    static let noiseSeed = GeneratorOption(
        "--noise-seed", "seed of --noise random", values: "integer from 0 to 2^64-1; default: 0"
    ) { options in
        if options.value(of: "--noise", as: NoiseMode.self) != .random {
            throw Failure(.usage, "--noise-seed is for random noise images", "give --noise random too, or leave it out")
        }
    }
}
