import HLTensor

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
        if newWidth == width && newHeight == height { return self }
        let resampling = Resampling(
            ResizeTaps(filter, of: ResizeStretch(whole: width), to: newWidth, targets: 0..<newWidth),
            ResizeTaps(filter, of: ResizeStretch(whole: height), to: newHeight, targets: 0..<newHeight))
        read(Region(left: 0, top: 0, width: width, height: height), rowsAtATime: Resampling.band) {
            resampling.take($0, stride: $1, rows: $2)
        }
        return Image(resampling)
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

    /// What has been made of the rows that a resampling was given.
    init(_ resampling: Resampling) {
        self.init(width: resampling.columns.count, height: resampling.rows.count) { planes in
            if let start = planes.baseAddress { resampling.finish(into: start) }
        }
    }
}
