import HLFormats
import HLTensor

/// The cars that StyleGAN2 was trained with, and what the paper's encoders saw of them. NVIDIA's `dataset_tool.py`
/// (`--transform=center-crop-wide --width=512 --height=384`) takes 512 · H / W rows out of the middle, makes 512 × 384
/// pixels of them with Lanczos' filter, pads them to 512 × 512, and leaves out what is smaller. The square of 384 pixels in
/// the middle, which is then taken for encoders, has nothing of the padding, so that it is never made.
enum CarCrop {
    static let width = 512
    static let height = 384

    /// Rows of an image that are kept; nil where the image is too small.
    static func rows(width: Int, height: Int) -> Int? {
        let rows = Int((Double(Self.width) * Double(height) / Double(width)).rounded(.toNearestOrEven))
        // An image wider than 4:3 has too few rows.
        return width < Self.width || rows < Self.height ? nil : min(rows, height)
    }

    @Sendable static func crop(_ image: Image) throws -> Image {
        guard let rows = rows(width: image.width, height: image.height) else {
            throw Failure(.data, "an image is smaller than \(width) x \(height)", "read the set anew")
        }
        let top = (image.height - rows) / 2
        return try image.cut(
            Image.Region(left: 0, top: top, width: image.width, height: (image.height + rows) / 2 - top)
        )
        .resized(width: width, height: height, by: .lanczos).centreCropped(to: height)
    }

    /// The records that are large enough, from their headers.
    /// - Throws: `Failure` for one that is damaged.
    static func suitable(_ store: DatabaseStore) throws -> [UInt32] {
        try (0..<store.count).compactMap { index in
            let section = try store.section(at: index)
            let size: (width: Int, height: Int)
            do {
                // The size mostly stands in the first few kilobytes.
                size = try section.beginning(1 << 14).withBytes { try Image.size(of: $0, name: section.name) }
            } catch {
                size = try section.read().withBytes { try Image.size(of: $0, name: section.name) }
            }
            return rows(width: size.width, height: size.height) == nil ? nil : UInt32(index)
        }
    }
}
