import Glibc
import HLCompute
import HLTensor

/// The named sets of T_x operations.
package enum AugmentationSet: String, Sendable, CaseIterable {
    /// Random crop, flip, colour jitter, grey.
    case simclr
    /// Random crop and flip.
    case noColor = "no-color"
    /// Centre crop, flip, colour jitter, grey.
    case noCrop = "no-crop"
    /// AdaInf's weak set for real images mixed with generated ones: that of SimCLR with colour jitter half as often, and
    /// blur for every second image (Wang et al., ICLR 2024; `symmetric_adainf.yaml` of `PKU-ML/adainf`).
    case adainf
    /// Centre crop only.
    case none

    /// Whether its crop is random.
    package var cropsAtRandom: Bool { self == .simclr || self == .noColor || self == .adainf }
}

/// T_x: random augmentation of images, drawn per sample on the host and applied to a whole batch.
///
/// Random crop (area 0.2 to 1 of the image, ratio 3/4 to 4/3, resized bilinearly) → horizontal flip ½ → colour jitter
/// (0.4, 0.4, 0.4, 0.1) with probability 0.8, its four operations in random order → grey 0.2 → optional Gaussian blur
/// → ImageNet normalisation. Semantics are torchvision's on f32 tensors, without antialiasing (see `hl_augment.h`).
package struct Augmentation: Sendable, Equatable {
    /// Means and standard deviations of ImageNet's R, G and B in 0 to 1.
    package static let imageNetMean = Normalisation.imageNet.mean
    package static let imageNetDeviation = Normalisation.imageNet.deviation

    /// The random crop's share of the image's area; nil crops the centre instead.
    package var cropScale: ClosedRange<Double>?
    /// Width over height of the random crop, uniform in its logarithm.
    package var cropRatio: ClosedRange<Double> = 3.0 / 4.0...4.0 / 3.0
    package var flipProbability: Float = 0.5
    package var colourProbability: Float = 0.8
    /// Factors are uniform in 1 ± these.
    package var brightness: Float = 0.4
    package var contrast: Float = 0.4
    package var saturation: Float = 0.4
    /// The shift is uniform in ± this, in turns; at most 0.5.
    package var hue: Float = 0.1
    package var greyProbability: Float = 0.2
    /// Of AdaInf's set alone; SimSiam's own recipe has ½ too.
    package var blurProbability: Float = 0
    /// Standard deviations in pixels of the resized crop.
    package var blurSigma: ClosedRange<Float> = 0.1...2
    /// Whether images come cropped and flipped (``PreparedCrop``): what is left is done to all of them, and the words that
    /// are drawn stay the same.
    package var isCropPrepared = false

    package init(_ set: AugmentationSet) {
        cropScale = set.cropsAtRandom ? 0.2...1 : nil
        if set == .none { flipProbability = 0 }
        if set == .none || set == .noColor {
            colourProbability = 0
            greyProbability = 0
        }
        if set == .adainf {
            colourProbability = 0.4
            blurProbability = 0.5
        }
    }

    /// What the linear classifier trains on: random crop and flip.
    package static let linearProbe = Augmentation(.noColor)

    /// The side of the crops of T_x: 7/8 of the side rendered (128 → 112, 64 → 56), to the nearest pixel.
    package static func cropSize(renderSide: Int) -> Int { (7 * renderSide + 4) / 8 }

    /// The parameters of one sample; a function of the arguments alone.
    ///
    /// The words of the sample's random sequence are used in a fixed order, each whether or not the set needs it, so
    /// that sets share what they have in common: 0 flip, 1 colour or not, 2 order of the colour operations,
    /// 3 brightness, 4 contrast, 5 saturation, 6 hue, 7 grey, 8 blur or not, 9 its σ, then area, ratio, top and left of
    /// each attempt at a crop.
    ///
    /// - Parameters:
    ///   - size: side of the output; nil takes 7/8 of the shorter side. It decides the centre crop and bounds the blur.
    ///   - imageHeight: at least 1, as `imageWidth`.
    package func parameters(
        id: Int64, view: Int, epoch: Int, seed: UInt64, imageHeight: Int, imageWidth: Int, size: Int? = nil
    ) -> AugmentationParameters {
        let size = size ?? Self.cropSize(renderSide: min(imageHeight, imageWidth))
        var random = RandomKey(seed: seed, purpose: .augmentation, view: view, epoch: epoch).sequence(id: id)
        var parameters = Self.centreCrop(imageHeight: imageHeight, imageWidth: imageWidth, size: size)
        parameters.flip = random.uniform() < flipProbability
        parameters.colour = random.uniform() < colourProbability
        parameters.order = Self.permutation(index: random.integer(below: 24))
        parameters.brightness = random.uniform(max(0, 1 - brightness), 1 + brightness)
        parameters.contrast = random.uniform(max(0, 1 - contrast), 1 + contrast)
        parameters.saturation = random.uniform(max(0, 1 - saturation), 1 + saturation)
        parameters.hue = random.uniform(-hue, hue)
        parameters.grey = random.uniform() < greyProbability
        let blurs = random.uniform() < blurProbability
        let sigma = random.uniform(blurSigma.lowerBound, blurSigma.upperBound)
        if blurs {
            // SimSiam blurs with Pillow, which takes no kernel size; three deviations leave out 0.3 %.
            parameters.blur_sigma = sigma
            parameters.blur_radius = Int32(min((3 * sigma).rounded(.up), Float(max(size - 1, 0))))
        }
        if isCropPrepared {
            parameters.flip = false
            (parameters.top, parameters.left) = (0, 0)
            (parameters.height, parameters.width) = (Int32(imageHeight), Int32(imageWidth))
        } else if let cropScale {
            drawCrop(scale: cropScale, height: imageHeight, width: imageWidth, from: &random, into: &parameters)
        }
        return parameters
    }

    /// Evaluation: the central `size` × `size` pixels and nothing else. An image with a shorter side below `size` has
    /// its largest central square enlarged instead (torchvision would pad it with black).
    package static func centreCrop(imageHeight: Int, imageWidth: Int, size: Int) -> AugmentationParameters {
        let side = min(imageHeight, imageWidth, size)
        var parameters = AugmentationParameters()
        parameters.top = Int32((Double(imageHeight - side) / 2).rounded(.toNearestOrEven))
        parameters.left = Int32((Double(imageWidth - side) / 2).rounded(.toNearestOrEven))
        parameters.height = Int32(side)
        parameters.width = Int32(side)
        parameters.order = (0, 1, 2, 3)
        parameters.brightness = 1
        parameters.contrast = 1
        parameters.saturation = 1
        return parameters
    }

    /// As `RandomResizedCrop.get_params` of torchvision: ten attempts, then the largest central crop whose ratio is
    /// allowed. Rounding is to even, as Python's.
    private func drawCrop(
        scale: ClosedRange<Double>, height: Int, width: Int, from random: inout RandomSequence,
        into parameters: inout AugmentationParameters
    ) {
        let area = Double(height) * Double(width)
        let logRatio = log(cropRatio.lowerBound)...log(cropRatio.upperBound)
        func set(top: Int, left: Int, height: Int, width: Int) {
            parameters.top = Int32(top)
            parameters.left = Int32(left)
            parameters.height = Int32(height)
            parameters.width = Int32(width)
        }
        for _ in 0..<10 {
            let share = scale.lowerBound + (scale.upperBound - scale.lowerBound) * Double(random.uniform())
            let aspect = exp(
                logRatio.lowerBound + (logRatio.upperBound - logRatio.lowerBound) * Double(random.uniform()))
            let cropWidth = Int((area * share * aspect).squareRoot().rounded(.toNearestOrEven))
            let cropHeight = Int((area * share / aspect).squareRoot().rounded(.toNearestOrEven))
            let (topWord, leftWord) = (random.nextWord(), random.nextWord())
            if (1...width).contains(cropWidth) && (1...height).contains(cropHeight) {
                return set(
                    top: RandomSequence.integer(below: height - cropHeight + 1, from: topWord),
                    left: RandomSequence.integer(below: width - cropWidth + 1, from: leftWord),
                    height: cropHeight, width: cropWidth)
            }
        }
        var (cropHeight, cropWidth) = (height, width)
        let ratio = Double(width) / Double(height)
        if ratio < cropRatio.lowerBound {
            cropHeight = Int((Double(width) / cropRatio.lowerBound).rounded(.toNearestOrEven))
        } else if ratio > cropRatio.upperBound {
            cropWidth = Int((Double(height) * cropRatio.upperBound).rounded(.toNearestOrEven))
        }
        set(
            top: (height - cropHeight) / 2, left: (width - cropWidth) / 2, height: cropHeight, width: cropWidth)
    }

    /// The permutation of 0, 1, 2, 3 with this Lehmer code, 0 ..< 24.
    private static func permutation(index: Int) -> (UInt8, UInt8, UInt8, UInt8) {
        var rest: [UInt8] = [0, 1, 2, 3]
        let first = rest.remove(at: index / 6)
        let second = rest.remove(at: index % 6 / 2)
        let third = rest.remove(at: index % 2)
        return (first, second, third, rest[0])
    }
}

extension RandomSequence {
    /// Uniform in 0 ..< bound from one word; the bias is below bound / 2³².
    static func integer(below bound: Int, from word: UInt32) -> Int { Int((UInt64(word) * UInt64(bound)) >> 32) }

    mutating func integer(below bound: Int) -> Int { Self.integer(below: bound, from: nextWord()) }
}
