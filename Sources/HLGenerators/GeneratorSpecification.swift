import HLFormats
import HLTensor

/// The shape of one latent: n chunks (or layers) of m dimensions.
package struct LatentShape: Sendable, Equatable {
    package let chunks: Int
    package let dimension: Int

    package init(chunks: Int, dimension: Int) {
        self.chunks = chunks
        self.dimension = dimension
    }

    /// Values in one latent.
    package var size: Int { chunks * dimension }
}

/// Everything that rendering needs to know about a generator, as the stream's header carries it: a stage that holds
/// these and the latents makes the same pixels as any other.
package struct GeneratorSpecification: Sendable, Equatable {
    /// `shapes`, `bigbigan`, `stylegan2` or `exec`.
    package let name: String
    /// The latent z is [chunks, dimension].
    package let chunks: Int
    package let dimension: Int
    /// The mapped latent w is [layers, width], where the generator has one.
    package let mapped: LatentShape?
    /// Side of a finished image in pixels, after crop and resize.
    package let resolution: Int
    /// Path of the weights and their SHA-256 in hex; neither for the built-in generator, or where only latents are
    /// drawn.
    package let weights: String?
    package let weightsDigest: String?
    /// `shapes` only: rendered without defects, in the part of real data.
    package let isClean: Bool
    package let rendering: RenderingSettings
    /// `exec` only: the shell command that renders.
    package let command: String?

    package init(
        name: String, chunks: Int, dimension: Int, mapped: LatentShape? = nil, resolution: Int, weights: String? = nil,
        weightsDigest: String? = nil, isClean: Bool = false, rendering: RenderingSettings = RenderingSettings(),
        command: String? = nil
    ) {
        self.name = name
        self.chunks = chunks
        self.dimension = dimension
        self.mapped = mapped
        self.resolution = resolution
        self.weights = weights
        self.weightsDigest = weightsDigest
        self.isClean = isClean
        self.rendering = rendering
        self.command = command
    }

    /// The shape of z.
    package var base: LatentShape { LatentShape(chunks: chunks, dimension: dimension) }

    /// The shape of a latent in one of the spaces, nil where the generator does not have that space.
    package func shape(in space: LatentSpace) -> LatentShape? { space == .z ? base : mapped }

    /// The generators that this version knows, for messages and help.
    package static let names = ["shapes", "bigbigan", "stylegan2", "exec:COMMAND"]

    /// A generator by name, without weights: of the trained ones, latents alone.
    /// - Parameter resolution: side in pixels, where the generator leaves a choice. It decides StyleGAN2's layers: two
    ///   at 4 pixels, and two more for each doubling.
    /// - Throws: `Failure(.usage)` for an unknown name or an option that the generator does not take.
    package static func named(_ name: String, resolution: Int? = nil, clean: Bool = false) throws -> Self {
        guard !clean || name == "shapes" else {
            throw Failure(.usage, "--clean is for the generator shapes", "leave it out")
        }
        switch name {
        case "shapes": return try Shapes.specification(resolution: resolution ?? Shapes.defaultResolution, clean: clean)
        case "bigbigan": return Self(name: name, chunks: 6, dimension: 20, resolution: resolution ?? 128)
        case "stylegan2":
            let side = resolution ?? 512
            guard side.nonzeroBitCount == 1, (8...4096).contains(side) else {
                throw Failure(
                    .usage, "no StyleGAN2 network makes images of \(side) pixels",
                    "without --weights, give --size a power of two from 8 to 4096")
            }
            let layers = 2 * side.trailingZeroBitCount - 2
            return Self(
                name: name, chunks: 1, dimension: 512, mapped: LatentShape(chunks: layers, dimension: 512),
                resolution: side)
        default:
            throw Failure(.usage, "there is no generator '\(name)'", "take one of \(names.joined(separator: ", "))")
        }
    }

    /// The generator in a weights file.
    /// - Parameters:
    ///   - name: what the file has to be; nil takes it for what it is.
    ///   - check: what else to refuse, given the generator's name, before the file is read in full.
    /// - Throws: `Failure`: noInput for a missing file, data for one that is no generator's, usage where the settings
    ///   do not fit it.
    package static func fromWeights(
        path: String, name: String? = nil, rendering: RenderingSettings, check: (String) throws -> Void = { _ in }
    ) throws -> Self {
        let file = try GeneratorFile.open(path: path)
        let actual = file.architecture.generatorName
        guard name ?? actual == actual else {
            throw Failure(
                .usage, "\(path) is \(file.architecture.article), not \(name ?? "")",
                "give --generator \(actual), or leave it out")
        }
        try check(actual)
        let digest = try WeightsDigest(path: path, early: false).hex()
        switch file.architecture {
        case .bigBiGAN:
            return try BigBiGAN.specification(of: file, path: path, digest: digest, rendering: rendering)
        case .styleGAN2:
            return try StyleGAN2.specification(of: file, path: path, digest: digest, rendering: rendering)
        }
    }

    /// A program of the user's that renders.
    /// - Throws: `Failure(.usage)` for an empty command.
    package static func external(command: String, latent: LatentShape, resolution: Int) throws -> Self {
        guard command.contains(where: { !$0.isWhitespace }) else {
            throw Failure(.usage, "exec: names no command", "write it as --generator 'exec:COMMAND'")
        }
        return Self(
            name: "exec", chunks: latent.chunks, dimension: latent.dimension, resolution: resolution, command: command)
    }
}

extension GeneratorFile.Architecture {
    /// As `--generator` names it.
    package var generatorName: String {
        switch self {
        case .bigBiGAN: "bigbigan"
        case .styleGAN2: "stylegan2"
        }
    }

    /// For messages.
    var article: String {
        switch self {
        case .bigBiGAN: "a BigBiGAN network"
        case .styleGAN2: "a StyleGAN2 network"
        }
    }
}
