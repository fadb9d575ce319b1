import HLFormats
import HLTensor

/// Images that their files hold as pixels, all of one size.
struct PixelStore: ImageStore {
    let count: Int
    /// For messages, such as `data_batch_1`.
    let file: @Sendable (_ index: Int) -> String
    let pixels: @Sendable (_ index: Int) -> Image

    func name(at index: Int) -> String { file(index) }

    func image(at index: Int) -> EncodedImage { EncodedImage(pixels(index), name: name(at: index)) }

    func describe(to content: inout ContentFingerprint) {
        content.add(SystemPath("\(count)"))
        content.addBeginnings(of: count) { index in
            pixels(index).withPlanes { planes in
                let buffer = HostBuffer(count: planes.count)
                buffer.bytes.copyBytes(from: planes)
                return buffer
            }
        }
    }
}
