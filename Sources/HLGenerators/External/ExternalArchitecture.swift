import HLCompute
import HLFormats
import HLTensor

/// A program of the user's in the catalogue.
struct ExternalArchitecture: BuiltInArchitecture {
    let name = "exec"
    let argument: String? = "COMMAND"
    let remark: String? = "a program that renders"
    let options = [GeneratorOption.latentShape]
    let isDifferentiable = false
    let members: [String: @Sendable (JSONValue) -> Bool] = ["command": { $0.string?.isEmpty == false }]

    func check(_ options: GeneratorOptionValues) throws { _ = try shapes(options) }

    /// What nobody but the command line says.
    private func shapes(_ options: GeneratorOptionValues) throws -> (latent: LatentShape, side: Int) {
        guard let latent = options.value(of: "--latent-shape", as: LatentShape.self), let side = options.size else {
            throw Failure(
                .usage, "the shape of the latents or the side of the images of exec:COMMAND is missing",
                "give --latent-shape, such as 6x20, and --size")
        }
        return (latent, side)
    }

    func check(_ specification: GeneratorSpecification) throws {
        if specification.command == nil { throw GeneratorSpecification.invalidHeader("command") }
    }

    func specification(_ options: GeneratorOptionValues) throws -> GeneratorSpecification {
        let (latent, side) = try shapes(options)
        return try .external(command: options.argument ?? "", latent: latent, resolution: side)
    }

    func make(
        _ specification: GeneratorSpecification, on backend: any Backend, trusted: Bool
    ) -> any Generator {
        ExternalGenerator(specification, trusted: trusted, on: backend)
    }
}

extension GeneratorOption {
    static let latentShape = GeneratorOption("--latent-shape", "chunks and their dimension", values: "such as 6x20")
}

extension GeneratorSpecification {
    /// The shell command that renders, where the generator is a program of the user's.
    package var command: String? { own["command"]?.string }

    /// A program of the user's that renders.
    /// - Throws: `Failure(.usage)` for an empty command.
    package static func external(command: String, latent: LatentShape, resolution: Int) throws -> Self {
        guard command.contains(where: { !$0.isWhitespace }) else {
            throw Failure(.usage, "exec: names no command", "write it as --generator 'exec:COMMAND'")
        }
        return Self(
            name: "exec", chunks: latent.chunks, dimension: latent.dimension, resolution: resolution,
            own: ["command": .string(command)])
    }
}
