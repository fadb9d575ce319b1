import HLFormats
import HLTensor

/// Everything that rendering needs to know about a generator, as the stream's header carries it: a stage that holds
/// these and the latents makes the same pixels as any other.
package struct GeneratorSpecification: Sendable, Equatable {
    /// As in the catalogue.
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
    package let rendering: RenderingSettings
    /// Members of the header that only this generator knows, such as a command to run; also those of later versions.
    package let own: JSONObject

    package init(
        name: String, chunks: Int, dimension: Int, mapped: LatentShape? = nil, resolution: Int, weights: String? = nil,
        weightsDigest: String? = nil, rendering: RenderingSettings = RenderingSettings(), own: JSONObject = [:]
    ) {
        self.name = name
        self.chunks = chunks
        self.dimension = dimension
        self.mapped = mapped
        self.resolution = resolution
        self.weights = weights
        self.weightsDigest = weightsDigest
        self.rendering = rendering
        self.own = own
    }

    /// The shape of z.
    package var base: LatentShape { LatentShape(chunks: chunks, dimension: dimension) }

    /// The shape of a latent in one of the spaces, nil where the generator does not have that space.
    package func shape(in space: LatentSpace) -> LatentShape? { space == .z ? base : mapped }

    /// The same with other members of its own.
    func replacingOwn(with own: JSONObject) -> Self {
        Self(
            name: name, chunks: chunks, dimension: dimension, mapped: mapped, resolution: resolution, weights: weights,
            weightsDigest: weightsDigest, rendering: rendering, own: own)
    }
}
