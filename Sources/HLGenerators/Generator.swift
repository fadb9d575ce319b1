import HLTensor

/// A network or formula that makes images from latents.
public protocol Generator: AnyObject {
    var specification: GeneratorSpecification { get }

    /// Images F32 [B, 3, H, W], 0…1, from latents F32 [B, chunks, dimension]. A sample's pixels may depend on nothing
    /// but its latent: neither on the batch around it nor on threads.
    func render(_ latents: HostTensor) throws -> HostTensor
}

/// A generator that knows the truth about its samples.
public protocol Oracle: AnyObject {
    /// Class labels I64 [B].
    func labels(of latents: HostTensor) -> HostTensor
}

extension GeneratorSpecification {
    /// The generator itself, ready to render.
    /// - Parameter threads: threads in all.
    /// - Throws: `Failure` when its weights are missing or do not fit.
    public func makeGenerator(threads: Int) throws -> any Generator {
        switch name {
        case "shapes": return try Shapes(self, threads: threads)
        case "bigbigan":
            throw Failure(
                .usage, "this version renders no images with bigbigan", "its latents can be drawn and perturbed; render them with another program")
        default:
            throw Failure(
                .incompatible, "the stream's generator '\(name)' is not known to this version",
                "render the stream with the program that wrote it, or take a newer version")
        }
    }
}

extension GeneratorSpecification {
    /// The generator's oracle, where it has one.
    /// - Throws: `Failure(.incompatible)` when this version's oracle is not that of the stream.
    public func makeOracle() throws -> (any Oracle)? {
        name == "shapes" ? try Shapes(self, threads: 1) : nil
    }
}
