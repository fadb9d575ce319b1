import HLFormats
import HLTensor

/// The random crop and flip of T_x where they were made before training, from the images' files: what a stream says of it
/// in `hl.crop`.
package struct PreparedCrop: Sendable, Equatable {
    /// What rectangles are drawn in.
    package enum Frame: String, Sendable, CaseIterable {
        /// The whole image at its own size, as by torchvision's RandomResizedCrop.
        case image
        /// The square in the middle, as hl-train does with images that are squares: the same rectangles.
        case square
    }

    package let frame: Frame
    /// Side of the images that hl-train would crop from, in pixels.
    package let side: Int
    /// Crops of each image.
    package let views: Int
    /// Of the random words, which are those that hl-train uses with this seed.
    package let seed: UInt64
    private let scale: ClosedRange<Double>
    private let ratio: ClosedRange<Double>
    private let flip: Double

    /// Metadata of a stream's header.
    package static let key = StreamHeader.crop

    private static let augmentation = Augmentation(.noColor)

    /// The crop that T_x has.
    package init(_ frame: Frame, side: Int, views: Int, seed: UInt64) {
        self.frame = frame
        self.side = side
        self.views = views
        self.seed = seed
        scale = Self.augmentation.cropScale ?? 1...1
        ratio = Self.augmentation.cropRatio
        flip = Double(Self.augmentation.flipProbability)
    }

    /// Side of the crops in pixels.
    package var size: Int { Augmentation.cropSize(renderSide: side) }

    /// What each view shows of an image.
    /// - Parameter epoch: counts the passes over the data set.
    package func framings(id: Int64, epoch: Int, width: Int, height: Int) throws -> [Framing] {
        try (0..<views).map { view in
            switch frame {
            case .image:
                return .crop(crop(id, view, epoch, width: width, height: height, scaledBy: (1, 1), from: (0, 0)))
            case .square:
                let square = try MiddleSquare(ofWidth: width, height: height, side: side)
                return .crop(
                    crop(
                        id, view, epoch, width: side, height: side,
                        scaledBy: (
                            Double(width) / Double(square.width), Double(height) / Double(square.height)
                        ), from: (square.left, square.top)))
            }
        }
    }

    /// The rectangle drawn in a frame of this size, in pixels of the image, `scale` of which are one of the frame's.
    private func crop(
        _ id: Int64, _ view: Int, _ epoch: Int, width: Int, height: Int, scaledBy scale: (x: Double, y: Double),
        from corner: (left: Int, top: Int)
    ) -> ImageCrop {
        let drawn = Self.augmentation.parameters(
            id: id, view: view, epoch: epoch, seed: seed, imageHeight: height, imageWidth: width, size: size)
        return ImageCrop(
            left: Double(corner.left + Int(drawn.left)) * scale.x, top: Double(corner.top + Int(drawn.top)) * scale.y,
            width: Double(drawn.width) * scale.x, height: Double(drawn.height) * scale.y, isMirrored: drawn.flip)
    }

    // MARK: In a stream

    /// For a stream's header, `hl.crop`.
    package var json: JSONValue {
        [
            "kind": "random_resized", "of": .string(frame.rawValue), "side": .integer(Int64(side)),
            "size": .integer(Int64(size)), "views": .integer(Int64(views)), "scale": Self.json(scale),
            "ratio": Self.json(ratio), "flip": .number(flip), "seed": .seed(seed),
        ]
    }

    private static func json(_ range: ClosedRange<Double>) -> JSONValue {
        .array([.number(range.lowerBound), .number(range.upperBound)])
    }

    /// What a stream says; nil where its images are whole.
    /// - Throws: `Failure`: incompatible for crops that T_x does not have, data for what cannot be read.
    package init?(_ header: StreamHeader) throws {
        guard let text = header.metadata[Self.key] else { return nil }
        let json = try JSONValue(parsing: text, name: Self.key)
        guard let frame = json["of"]?.string.flatMap(Frame.init), let side = json["side"]?.integer.map(Int.init),
            (1...Image.maximumSide).contains(side), let views = json["views"]?.integer.map(Int.init), views >= 1,
            let seed = json["seed"]?.seed
        else {
            throw Failure(.data, "\(Self.key) of the stream is '\(text)'", "make the stream again with hl-sample")
        }
        self.init(frame, side: side, views: views, seed: seed)
        for (key, value) in self.json.object?.members ?? [] where json[key]?.text != value.text {
            throw Failure(
                .incompatible,
                "the stream has crops with the \(key) \(json[key]?.text ?? "missing"), not \(value.text)",
                "make it with --random-resized-crop of this version of hl-sample")
        }
    }

    /// Whether images of two streams may be mixed: the seeds may differ.
    package func isLike(_ other: PreparedCrop?) -> Bool { size == other?.size && side == other?.side }
}
