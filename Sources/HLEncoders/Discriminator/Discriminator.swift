import Glibc
import HLCompute
import HLNet
import HLTensor

/// A small network that tells real images from generated ones, for the filter of the paper's Appendix E: five
/// convolutions with stride 2, each with batch norm and ReLU, the mean over positions, and a linear layer to two classes,
/// 0 generated and 1 real.
///
/// It sees images blurred by 5 × 5 taps with σ = 1.5, so that it judges shapes rather than the fine traces that any
/// generator leaves, and normalised like ImageNet's.
package final class Discriminator: Module {
    /// Sides of images that it can be made for, in pixels.
    package static let sides = 8...4096

    /// Side of the images that it takes.
    package let side: Int
    /// Channels of the first convolution; each further one has twice as many, up to eight times.
    package let width: Int
    private let stages: [(convolution: Convolution, norm: BatchNorm)]
    private let classifier: Linear

    /// Images per pass when scoring, always so many, so that the kernels, and with them the last bits, depend on no batch.
    package static let microBatch = 64
    package static let blurTaps = 5
    package static let blurDeviation: Float = 1.5

    package init(_ backend: any Backend, side: Int, width: Int) {
        precondition(Self.sides.contains(side), "a discriminator of side \(side)")
        self.side = side
        self.width = width
        var channels = 3
        // Down to two to four positions a side.
        let count = max(2, min(5, Int.bitWidth - 2 - side.leadingZeroBitCount))
        stages = (0..<count).map { index in
            let next = width << min(index, 3)
            defer { channels = next }
            return (
                Convolution(backend, channels, next, Window(size: 3, stride: 2, padding: 1)), BatchNorm(backend, next)
            )
        }
        classifier = Linear(backend, channels, 2)
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        for (index, stage) in stages.enumerated() {
            try stage.convolution.forEachState("\(prefix)stages.\(index).conv.", body)
            try stage.norm.forEachState("\(prefix)stages.\(index).bn.", body)
        }
        try classifier.forEachState(prefix + "fc.", body)
    }

    /// Logits [B, 2] of prepared images [B, 3, side, side].
    package func callAsFunction(_ images: Variable, _ pass: Pass) -> Variable {
        var x = pass.activations(images)
        for stage in stages { x = stage.norm(stage.convolution(x, pass), relu: true, pass) }
        return classifier(pass.averagePool(x), pass)
    }

    /// What it looks at: images U8 or F32 [B, 3, H, W] as F32 [B, 3, side, side], the central square resized where it
    /// has another size, blurred and normalised.
    /// - Throws: `Failure(.data)` for images of another type or shape.
    package static func prepared(_ images: Tensor, side: Int, on backend: any Backend) throws -> Tensor {
        guard images.shape.count == 4 else {
            throw Failure(
                .data, "images to judge have the shape \(images.shape)", "give images [batch, 3, height, width]")
        }
        let (height, width) = (images.shape[2], images.shape[3])
        var parameters = Augmentation.centreCrop(imageHeight: height, imageWidth: width, size: min(height, width))
        parameters.blur_sigma = blurDeviation
        parameters.blur_radius = Int32(blurTaps / 2)
        let all = [AugmentationParameters](repeating: parameters, count: images.shape[0])
        return try Augmentation.apply(images, all, size: side, on: backend)
    }

    /// How real images [B, 3, H, W] look, F32 [B], from 0, generated, to 1, real: the softmax of class 1.
    /// - Parameter precision: of activations.
    /// - Throws: `Failure(.data)` where a score is not a number, as of a network that has diverged.
    package func scores(
        of images: Tensor, precision: Precision = .f32, on backend: any Backend
    ) throws -> HostTensor {
        let count = images.shape[0]
        var scores: [Float] = []
        for first in stride(from: 0, to: count, by: Self.microBatch) {
            // The last image stands in for those that are missing.
            let rows = (first..<first + Self.microBatch).map { Int32(min($0, count - 1)) }
            let chosen = backend.rows(images, at: backend.indices(rows))
            let prepared = try Self.prepared(chosen, side: side, on: backend)
            let pass = Pass(Tape(backend, recording: false), training: false, precision: precision)
            let logits = try backend.read(self(Variable(prepared), pass).value).floats
            for row in 0..<min(Self.microBatch, count - first) {
                scores.append(1 / (1 + exp(logits[2 * row] - logits[2 * row + 1])))
            }
        }
        guard scores.allSatisfy(\.isFinite) else {
            throw Failure(
                .data, "the discriminator's scores are not numbers: it has diverged",
                "train it again at a lower learning rate")
        }
        return HostTensor(scores, shape: [count])
    }
}
