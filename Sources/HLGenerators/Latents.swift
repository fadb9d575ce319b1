import HLTensor

/// The space that a latent lives in.
package enum LatentSpace: String, Sendable, CaseIterable {
    /// What is drawn.
    case z
    /// What the layers of some networks take, made from z by a mapping network.
    case w
}

/// The shape of one latent: n chunks (or layers) of m dimensions.
package struct LatentShape: Sendable, Equatable {
    package let chunks: Int
    package let dimension: Int

    /// No latent has more chunks, and no chunk more numbers: it bounds what headers and options may ask for.
    package static let maximum = 1 << 16

    package init(chunks: Int, dimension: Int) {
        self.chunks = chunks
        self.dimension = dimension
    }

    /// Values in one latent.
    package var size: Int { chunks * dimension }
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
