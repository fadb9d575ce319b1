import CKernels
import HLTensor

extension Image {
    /// The images of a tensor.
    /// - Parameter tensor: U8 (0 to 255) or F32 (0 to 1, rounded to the nearest level), [B, 3, H, W].
    /// - Throws: `Failure(.data)` for images without pixels.
    package static func batch(_ tensor: HostTensor) throws -> [Image] {
        let bytes = tensor.type == .u8 ? tensor : rounded(tensor)
        guard bytes.rowSize > 0 else { throw Failure(.data, "the images have no pixels", "make the stream again") }
        let shape = Array(bytes.shape.dropFirst())
        return (0..<bytes.rowCount).map { Image(pixels: bytes.rows($0..<$0 + 1).reshaped(shape)) }
    }

    /// F32 pixels 0…1 as U8 0…255.
    package static func rounded(_ pixels: HostTensor) -> HostTensor {
        HostTensor(.u8, shape: pixels.shape) { bytes in
            pixels.withUnsafeElements(as: Float.self) { values in
                if let source = values.baseAddress, let target = bytes.bindMemory(to: UInt8.self).baseAddress {
                    hl_round_pixels(source, target, values.count)
                }
            }
        }
    }
}
