import Glibc
import HLCompute
import HLTensor

/// The space that a latent lives in.
package enum LatentSpace: String, Sendable, CaseIterable {
    /// What is drawn.
    case z
    /// What StyleGAN2's layers take, made from z by its mapping network.
    case w
}

/// Latents to render, with what else their images depend on.
package struct Latents: Sendable {
    /// F32 [B, n, m]: z [B, chunks, dimension] or w [B, layers, width].
    package let values: HostTensor
    package let space: LatentSpace
    /// I64 [B]; only random noise images depend on them.
    package let ids: HostTensor
    /// Only random noise images depend on it.
    package let view: Int

    package init(_ values: HostTensor, space: LatentSpace = .z, ids: HostTensor, view: Int = 0) {
        self.values = values
        self.space = space
        self.ids = ids
        self.view = view
    }
}

/// A network or formula that makes images from latents.
package protocol Generator: AnyObject {
    /// What a stream's header says of it.
    var specification: GeneratorSpecification { get }

    /// What its images are on.
    var backend: any Backend { get }

    /// Images [B, 3, S, S] of several views, one below the other: S is the specification's resolution, and B counts the
    /// latents of all views. A sample's pixels may depend on nothing but its latent, its id and the view: neither on the
    /// batch around it nor on threads.
    /// - Parameters:
    ///   - views: at least one.
    ///   - pixels: F32 0…1, or U8 0…255, rounded to the nearest.
    func render(_ views: [Latents], pixels: PixelType) throws -> Tensor
}

/// How pixels are stored.
package enum PixelType: String, Sendable, CaseIterable {
    /// 0…255, rounded to the nearest.
    case u8
    /// 0…1.
    case f32
}

/// A generator that knows the truth about its samples.
package protocol Oracle {
    /// Class labels I64 [B].
    func labels(of latents: HostTensor) -> HostTensor
}

extension GeneratorSpecification {
    /// The generator itself, ready to render.
    /// - Parameters:
    ///   - backend: what it computes on.
    ///   - trusted: whether a command in the specification comes from the user and not from a stream's header alone.
    /// - Throws: `Failure`: noInput when its weights are missing, incompatible when they are others than the stream's
    ///   or the generator is not known to this version.
    package func makeGenerator(on backend: any Backend, trusted: Bool = false) throws -> any Generator {
        switch name {
        case "shapes": return try Shapes(self, on: backend)
        case "bigbigan":
            return try loadingWeights(.bigBiGAN, threads: backend.threads) { file in
                try BigBiGAN(self, file: file, backend: backend)
            }
        case "stylegan2":
            return try loadingWeights(.styleGAN2, threads: backend.threads) { file in
                try StyleGAN2(self, file: file, backend: backend)
            }
        case "exec": return ExternalGenerator(self, trusted: trusted, on: backend)
        default:
            throw Failure(
                .incompatible, "the stream's generator '\(name)' is not known to this version",
                "render the stream with the program that wrote it, or take a newer version")
        }
    }

    /// The generator's oracle, where it has one.
    /// - Throws: `Failure(.incompatible)` when this version's oracle is not that of the stream.
    package func makeOracle() throws -> (any Oracle)? {
        name == "shapes" ? try ShapesOracle(self) : nil
    }

    /// A network made from the weights file, which must be the one with which the stream was begun. The file is hashed
    /// on a second thread, where there is one, while the network is built.
    func loadingWeights<Network>(
        _ architecture: GeneratorFile.Architecture, threads: Int, _ make: (GeneratorFile) throws -> Network
    ) throws -> Network {
        guard let weights else {
            throw Failure(
                .incompatible, "the stream does not name the weights of its generator \(name)",
                "give --weights to hl-sample")
        }
        guard access(weights, F_OK) == 0 else {
            throw Failure(
                .noInput, "the generator's weights \(weights) are not there",
                weights.hasPrefix("/")
                    ? "put them there, or make the stream again with their new path"
                    : "run the program in the folder where hl-sample ran, or make the stream with the absolute path")
        }
        let digest = weightsDigest == nil ? nil : WeightsDigest(path: weights, early: threads > 1)
        let network = Result {
            let file = try GeneratorFile.open(path: weights)
            guard file.architecture == architecture else {
                throw Failure(
                    .incompatible, "\(weights) is \(file.architecture.article), and the stream's generator is \(name)",
                    "put the weights of the stream in its place")
            }
            return try make(file)
        }
        // Another file is the likely reason of whatever else went wrong.
        if let weightsDigest, let found = try digest?.hex(), found != weightsDigest {
            throw Failure(
                .incompatible,
                "\(weights) has the SHA-256 \(found), and the stream was made with \(weightsDigest)",
                "put the file with which hl-sample began the stream in its place")
        }
        return try network.get()
    }
}
