/// What holds content, the class of what is shown, in chunk 0.
package enum GeneratorContent: Sendable, Equatable {
    /// Nothing but the architecture.
    case none
    /// A head on the discriminator's features that must tell which z⁰ made an image: two images of one z⁰ are
    /// positives (after InfoMax-GAN, Lee et al. 2021).
    case infoNCE(weight: Float, temperature: Float)
    /// The class of a generated image is the largest of the first `classes` values of its z⁰, and the discriminator
    /// knows the classes of all images (Miyato & Koyama 2018): real images bring labels, or the numbers of clusters.
    case cells(classes: Int)

    /// As in headers and on command lines.
    package var name: String {
        switch self {
        case .none: "none"
        case .infoNCE: "infonce"
        case .cells: "cells"
        }
    }

    /// Whether labels of real images, or the numbers of their clusters, play a part.
    package var usesLabels: Bool { if case .cells = self { true } else { false } }
}
