import Glibc
import HLTensor

/// How samples are weighted when an image is resized. Both widen by the factor of reduction.
package enum ResamplingKernel: Sendable {
    /// Pillow's BILINEAR.
    case triangle
    /// Pillow's LANCZOS, of three lobes.
    case lanczos

    /// How far the filter reaches.
    fileprivate var support: Double { self == .triangle ? 1 : 3 }

    fileprivate func weight(at x: Double) -> Double {
        switch self {
        case .triangle: max(1 - abs(x), 0)
        case .lanczos: x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

extension Image {
    /// Antialiased resize.
    ///
    /// Follows Pillow's `resize` to the bit, with BILINEAR, as in torchvision's `Resize` on images, or LANCZOS: two
    /// passes, first along rows, each in fixed point with 22 fractional bits and rounded to 8-bit samples.
    ///
    /// - Throws: `Failure` `.usage` for a side outside 1…``maximumSide``.
    package func resized(
        width newWidth: Int, height newHeight: Int, by filter: ResamplingKernel = .triangle
    ) throws -> Image {
        let allowed = 1...Self.maximumSide
        guard allowed.contains(newWidth), allowed.contains(newHeight) else {
            throw Failure(
                .usage, "cannot resize \(width) x \(height) pixels to \(newWidth) x \(newHeight)",
                "choose sides between 1 and \(Self.maximumSide)")
        }
        let wide = newWidth == width ? self : resizedAlongRows(ResizeWeights(filter, from: width, to: newWidth))
        return newHeight == height
            ? wide : wide.resizedAlongColumns(ResizeWeights(filter, from: height, to: newHeight))
    }

    /// The shorter side becomes `side`; the longer one keeps the proportions, rounded down as torchvision does.
    package func resizedShortSide(to side: Int) throws -> Image {
        guard (1...Self.maximumSide).contains(side) else {
            throw Failure(
                .usage, "cannot resize an image to \(side) pixels", "choose a size between 1 and \(Self.maximumSide)")
        }
        let long = max(width, height) * side / min(width, height)
        return width <= height ? try resized(width: side, height: long) : try resized(width: long, height: side)
    }

    /// The square of `side` pixels in the middle. Half a pixel of offset goes to the even neighbour, as in torchvision.
    ///
    /// - Throws: `Failure` `.usage` when the image is smaller.
    package func centreCropped(to side: Int) throws -> Image {
        guard side > 0, side <= width, side <= height else {
            throw Failure(
                .usage, "cannot crop \(side) x \(side) pixels from an image of \(width) x \(height)",
                "choose a smaller size")
        }
        if side == width && side == height { return self }
        let left = Int((Double(width - side) / 2).rounded(.toNearestOrEven))
        let top = Int((Double(height - side) / 2).rounded(.toNearestOrEven))
        return cut(Region(left: left, top: top, width: side, height: side))
    }

    /// The usual preparation of a photograph for a network: the short side to `side`, then the square in the middle.
    /// An image that already has the size is returned as it is.
    package func squared(to side: Int) throws -> Image {
        try resizedShortSide(to: side).centreCropped(to: side)
    }

    private func resizedAlongRows(_ filter: ResizeWeights) -> Image {
        let size = filter.spans.count
        return Image(width: size, height: height) { target in
            withPlanes { source in
                filter.weights.withUnsafeBufferPointer { weights in
                    for line in 0..<(3 * height) {
                        for (x, span) in filter.spans.enumerated() {
                            let start = line * width + span.start
                            let first = x * filter.stride
                            var sum = ResizeWeights.half
                            for tap in 0..<span.count { sum &+= Int32(source[start + tap]) &* weights[first + tap] }
                            target[line * size + x] = ResizeWeights.sample(sum)
                        }
                    }
                }
            }
        }
    }

    private func resizedAlongColumns(_ filter: ResizeWeights) -> Image {
        let size = filter.spans.count
        let width = width
        return Image(width: width, height: size) { target in
            withPlanes { source in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { sums in
                    for plane in 0..<3 {
                        for (y, span) in filter.spans.enumerated() {
                            sums.initialize(repeating: ResizeWeights.half)
                            for tap in 0..<span.count {
                                let weight = filter.weights[y * filter.stride + tap]
                                let line = (plane * height + span.start + tap) * width
                                for x in 0..<width { sums[x] &+= Int32(source[line + x]) &* weight }
                            }
                            let line = (plane * size + y) * width
                            for x in 0..<width { target[line + x] = ResizeWeights.sample(sums[x]) }
                        }
                    }
                }
            }
        }
    }
}

/// The weights of one pass: which source samples make each target sample.
private struct ResizeWeights {
    /// The source samples of each target sample.
    private(set) var spans: [(start: Int, count: Int)] = []
    /// `stride` weights for each target sample; the first `count` are used and sum to 2²² but for rounding.
    private(set) var weights: [Int32]
    let stride: Int

    static let fractionBits: Int32 = 22
    static let half: Int32 = 1 << (fractionBits - 1)

    static func sample(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> fractionBits) }

    init(_ filter: ResamplingKernel, from oldSize: Int, to newSize: Int) {
        let scale = Double(oldSize) / Double(newSize)
        let support = filter.support * max(scale, 1)
        let inverseScale = 1 / max(scale, 1)
        stride = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: newSize * stride)
        spans.reserveCapacity(newSize)
        var unscaled = [Double](repeating: 0, count: stride)
        for target in 0..<newSize {
            let centre = (Double(target) + 0.5) * scale
            let start = max(Int(centre - support + 0.5), 0)
            let count = min(Int(centre + support + 0.5), oldSize) - start
            var total = 0.0
            for tap in 0..<count {
                unscaled[tap] = filter.weight(at: (Double(start + tap) - centre + 0.5) * inverseScale)
                total += unscaled[tap]
            }
            for tap in 0..<count {
                let weight = unscaled[tap] / total * Double(1 << Self.fractionBits)
                // Away from zero, as C's cast with half added.
                weights[target * stride + tap] = Int32(weight + (weight < 0 ? -0.5 : 0.5))
            }
            spans.append((start, count))
        }
    }
}
