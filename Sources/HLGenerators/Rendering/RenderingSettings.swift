import HLCompute
import HLTensor

/// Where the noise images of a network's layers come from.
package enum NoiseMode: String, Sendable, CaseIterable {
    /// Those of the weights file, the same for every image.
    case const
    /// Fresh ones for every sample and view.
    case random
    case none
}

/// How images are made smaller.
package enum ResizeFilter: String, Sendable, CaseIterable {
    /// A triangle filter widened by the reduction, as torchvision's Resize with antialias.
    case antialias
    /// Between the four nearest pixels, as kornia's Resize and PyTorch's interpolate without align_corners.
    case bilinear
}

/// What the images of a trained generator depend on beside latents and weights.
package struct RenderingSettings: Sendable, Equatable {
    /// The class of a conditional network.
    package var classIndex = 0
    /// ψ, how far mapped latents may be from their mean: w_avg + ψ(w − w_avg).
    package var psi: Double = 1
    /// ψ holds for layers below this one; nil is all of them.
    package var cutoff: Int?
    package var noise: NoiseMode = .const
    /// Seed of random noise images.
    package var noiseSeed: UInt64 = 0
    /// Side of the square cut out of the middle of what the network makes.
    package var crop: Int?
    /// Side that the images, cropped or not, are then resized to.
    package var size: Int?
    package var filter: ResizeFilter = .antialias
    /// Of activations in the network that makes images of latents; mapped latents and images are F32.
    package var precision = Precision.f32

    package init() {}

    /// The sides that `crop` and `size` may have.
    package static let sides = 1...4096

    /// Side of the finished images of a network that makes images of `side` pixels.
    /// - Throws: `Failure(.usage)` where they cannot be cropped so.
    package func finishedSide(of side: Int) throws -> Int {
        if let crop, crop > side {
            throw Failure(
                .usage, "the network's images have \(side) pixels a side, too few for --crop \(crop)",
                "give --crop from 1 to \(side)")
        }
        return size ?? crop ?? side
    }
}
