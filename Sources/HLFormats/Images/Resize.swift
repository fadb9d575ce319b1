import HLTensor

extension Image {
    /// Antialiased bilinear resize: a triangle filter, widened by the factor of reduction.
    ///
    /// Follows Pillow's `resize(…, BILINEAR)` to the bit, and so torchvision's `Resize` on images: two passes, first
    /// along rows, each in fixed point with 22 fractional bits and rounded to 8-bit samples.
    ///
    /// - Throws: `Failure` `.usage` for a side outside 1…``maximumSide``.
    package func resized(width newWidth: Int, height newHeight: Int) throws -> Image {
        let allowed = 1...Self.maximumSide
        guard allowed.contains(newWidth), allowed.contains(newHeight) else {
            throw Failure(
                .usage, "cannot resize \(width) x \(height) pixels to \(newWidth) x \(newHeight)",
                "choose sides between 1 and \(Self.maximumSide)")
        }
        let wide = newWidth == width ? self : resizedAlongRows(TriangleFilter(from: width, to: newWidth))
        return newHeight == height ? wide : wide.resizedAlongColumns(TriangleFilter(from: height, to: newHeight))
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

    private func resizedAlongRows(_ filter: TriangleFilter) -> Image {
        let size = filter.spans.count
        return Image(width: size, height: height) { target in
            withPlanes { source in
                filter.weights.withUnsafeBufferPointer { weights in
                    for line in 0..<(3 * height) {
                        for (x, span) in filter.spans.enumerated() {
                            let start = line * width + span.start
                            let first = x * filter.stride
                            var sum = TriangleFilter.half
                            for tap in 0..<span.count { sum &+= Int32(source[start + tap]) &* weights[first + tap] }
                            target[line * size + x] = TriangleFilter.sample(sum)
                        }
                    }
                }
            }
        }
    }

    private func resizedAlongColumns(_ filter: TriangleFilter) -> Image {
        let size = filter.spans.count
        let width = width
        return Image(width: width, height: size) { target in
            withPlanes { source in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { sums in
                    for plane in 0..<3 {
                        for (y, span) in filter.spans.enumerated() {
                            sums.initialize(repeating: TriangleFilter.half)
                            for tap in 0..<span.count {
                                let weight = filter.weights[y * filter.stride + tap]
                                let line = (plane * height + span.start + tap) * width
                                for x in 0..<width { sums[x] &+= Int32(source[line + x]) &* weight }
                            }
                            let line = (plane * size + y) * width
                            for x in 0..<width { target[line + x] = TriangleFilter.sample(sums[x]) }
                        }
                    }
                }
            }
        }
    }
}

/// The weights of one pass: which source samples make each target sample.
private struct TriangleFilter {
    /// The source samples of each target sample.
    private(set) var spans: [(start: Int, count: Int)] = []
    /// `stride` weights for each target sample; the first `count` are used and sum to 2²² but for rounding.
    private(set) var weights: [Int32]
    let stride: Int

    static let fractionBits: Int32 = 22
    static let half: Int32 = 1 << (fractionBits - 1)

    static func sample(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> fractionBits) }

    init(from oldSize: Int, to newSize: Int) {
        let scale = Double(oldSize) / Double(newSize)
        let support = max(scale, 1)
        let inverseSupport = 1 / support
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
                let distance = abs((Double(start + tap) - centre + 0.5) * inverseSupport)
                unscaled[tap] = max(1 - distance, 0)
                total += unscaled[tap]
            }
            for tap in 0..<count {
                weights[target * stride + tap] = Int32(unscaled[tap] / total * Double(1 << Self.fractionBits) + 0.5)
            }
            spans.append((start, count))
        }
    }
}
