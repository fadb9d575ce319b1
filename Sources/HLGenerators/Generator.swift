import HLCompute

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
