import HLTensor

/// What of an image is shown, in a square.
package enum Framing: Sendable, Equatable {
    /// The short side is resized to the square's side, and the middle is taken, as by torchvision's `Resize` and
    /// `CenterCrop`.
    case middle
    /// A rectangle is cut out and resized, and perhaps mirrored, as by torchvision's `resized_crop` and `hflip`.
    case crop(ImageCrop)
}

/// A rectangle of an image from the top left, in its pixels, which its edges may cut.
package struct ImageCrop: Sendable, Equatable {
    package let left: Double
    package let top: Double
    package let width: Double
    package let height: Double
    /// Whether left and right change places.
    package let isMirrored: Bool

    package init(left: Double, top: Double, width: Double, height: Double, isMirrored: Bool) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
        self.isMirrored = isMirrored
    }
}

/// The size that an image is resized to before its middle is taken, and where that begins: what `Resize` and `CenterCrop`
/// of torchvision do.
package struct MiddleSquare {
    /// Of the resized image, in pixels.
    package let width: Int
    package let height: Int
    /// Of the square, in its pixels.
    package let left: Int
    package let top: Int

    /// - Throws: `Failure` (data) for a strip so long that its long side grows beyond all bounds.
    package init(ofWidth width: Int, height: Int, side: Int) throws(Failure) {
        let long = max(width, height) * side / min(width, height)
        guard long <= Image.maximumSide else {
            throw Failure(
                .data, "cannot resize \(width) x \(height) pixels to a short side of \(side)", "leave the image out")
        }
        (self.width, self.height) = width <= height ? (side, long) : (long, side)
        left = Int((Double(self.width - side) / 2).rounded(.toNearestOrEven))
        top = Int((Double(self.height - side) / 2).rounded(.toNearestOrEven))
    }
}

extension Framing {
    /// - Parameters:
    ///   - width, height: of the image.
    ///   - side: of the result.
    /// - Returns: how many eighths of a JPEG's size suffice.
    func eighths(ofWidth width: Int, height: Int, side: Int) -> Int {
        switch self {
        case .middle:
            let short = Double(min(width, height))
            return JPEGScale.eighths(of: short, by: short, covering: Double(side), by: Double(side))
        case .crop(let crop):
            return JPEGScale.eighths(of: crop.width, by: crop.height, covering: Double(side), by: Double(side))
        }
    }

    /// What the columns and rows of the result are made of.
    /// - Parameters:
    ///   - width, height: of the whole image.
    ///   - eighths: the scale at which it is there.
    func taps(ofWidth width: Int, height: Int, at eighths: Int, side: Int) throws -> (
        columns: ResizeTaps, rows: ResizeTaps
    ) {
        func scaled(_ length: Int) -> Int { (length * eighths + 7) / 8 }
        switch self {
        case .middle:
            let square = try MiddleSquare(ofWidth: width, height: height, side: side)
            func taps(_ count: Int, _ newCount: Int, _ first: Int) -> ResizeTaps {
                ResizeTaps(
                    .triangle, of: ResizeStretch(whole: scaled(count)), to: newCount, targets: first..<first + side)
            }
            return (taps(width, square.width, square.left), taps(height, square.height, square.top))
        case .crop(let crop):
            let scale = Double(eighths) / 8
            func taps(_ start: Double, _ length: Double, _ count: Int) -> ResizeTaps {
                let stretch = ResizeStretch(cutting: start * scale, length: length * scale, of: scaled(count))
                return ResizeTaps(.triangle, of: stretch, to: side, targets: 0..<side)
            }
            return (taps(crop.left, crop.width, width), taps(crop.top, crop.height, height))
        }
    }

    var isMirrored: Bool {
        switch self {
        case .middle: false
        case .crop(let crop): crop.isMirrored
        }
    }
}
