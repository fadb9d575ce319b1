import HLTensor

/// An RGB image in the stream's layout.
package struct Image: Sendable {
    /// U8 [3, H, W]: the planes R, G, B, each row by row from the top left.
    package let pixels: HostTensor

    package var width: Int { pixels.shape[2] }
    package var height: Int { pixels.shape[1] }

    /// The longest side that is read, made or written, in pixels.
    package static let maximumSide = 16_384

    /// - Parameter pixels: U8 [3, H, W], such as one row of a stream's `x.V` reshaped.
    package init(pixels: HostTensor) {
        precondition(pixels.type == .u8 && pixels.shape.count == 3 && pixels.shape[0] == 3)
        self.pixels = pixels
    }

    /// A new image whose planes `fill` must write completely.
    package init(width: Int, height: Int, fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) rethrows {
        pixels = try HostTensor(.u8, shape: [3, height, width]) { try fill($0.bindMemory(to: UInt8.self)) }
    }

    /// An image of one grey level.
    package init(width: Int, height: Int, grey: UInt8) {
        self.init(width: width, height: height) { $0.update(repeating: grey) }
    }

    /// The 3·H·W bytes of the planes.
    package func withPlanes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        try pixels.withUnsafeElements(as: UInt8.self, body)
    }

    /// Fails unless both sides lie between 1 and ``maximumSide``: what a file's header claims is checked before any
    /// memory is taken for it.
    package static func checkSize(width: Int, height: Int, name: String) throws {
        guard width > 0, height > 0 else {
            throw Failure(.data, "\(name) is an image without pixels", "give another file")
        }
        guard width <= maximumSide, height <= maximumSide else {
            throw Failure(
                .data, "\(name) claims \(width) x \(height) pixels, more than \(maximumSide) on a side",
                "scale the image down or leave it out")
        }
    }
}
