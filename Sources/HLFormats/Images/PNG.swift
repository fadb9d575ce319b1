import CPNG
import HLTensor

// libpng's simplified interface: it needs no setjmp, and brings every colour type and bit depth to 8-bit RGB.

extension Image {
    /// Reads a PNG of any colour type, bit depth and interlacing. Alpha is dropped, not blended, and colour profiles
    /// and gamma are ignored, as by Pillow's `convert("RGB")`; 16-bit samples are rounded to 8.
    ///
    /// - Parameter name: what messages call the image.
    /// - Throws: `Failure` `.data` for bytes that are not a complete PNG, or more than ``maximumSide`` pixels a side.
    package init(png bytes: UnsafeRawBufferPointer, name: String) throws {
        let file = try PNGChunks(bytes, name: name)
        try Image.checkSize(width: file.width, height: file.height, name: name)
        guard file.decodedSize <= file.largestDecodedSize else { throw PNGChunks.truncated(name) }

        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        defer { png_image_free(&image) }
        let (width, height) = (file.width, file.height)
        let channels = file.hasAlpha ? 4 : 3

        let interleaved = try file.essential.withUnsafeBytes { source in
            guard png_image_begin_read_from_memory(&image, source.baseAddress, source.count) != 0 else {
                throw Image.damagedPNG(image, name)
            }
            image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
            image.format = png_uint_32(PNG_FORMAT_RGB) | (file.hasAlpha ? png_uint_32(PNG_FORMAT_FLAG_ALPHA) : 0)
            let buffer = HostBuffer(count: width * height * channels)
            guard png_image_finish_read(&image, nil, buffer.pointer, png_int_32(width * channels), nil) != 0 else {
                throw Image.damagedPNG(image, name)
            }
            return buffer
        }
        self.init(width: width, height: height) { planes in
            let source = interleaved.pointer.assumingMemoryBound(to: UInt8.self)
            let plane = width * height
            guard let target = planes.baseAddress else { return }
            for pixel in 0..<plane {
                target[pixel] = source[pixel * channels]
                target[plane + pixel] = source[pixel * channels + 1]
                target[2 * plane + pixel] = source[pixel * channels + 2]
            }
        }
    }

    /// The image as an 8-bit RGB PNG. The same image gives the same bytes with the same libpng and zlib.
    package func pngBytes() throws -> [UInt8] {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = png_uint_32(PNG_FORMAT_RGB)
        defer { png_image_free(&image) }

        let plane = width * height
        let interleaved = [UInt8](unsafeUninitializedCapacity: 3 * plane) { target, count in
            withPlanes { source in
                for pixel in 0..<plane {
                    target[3 * pixel] = source[pixel]
                    target[3 * pixel + 1] = source[plane + pixel]
                    target[3 * pixel + 2] = source[2 * plane + pixel]
                }
            }
            count = 3 * plane
        }
        // Deflate's stored blocks and PNG's chunks add less than a percent to pixels that do not compress.
        let capacity = 3 * plane + height + (3 * plane + height) / 16 + 4096
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            var size = png_alloc_size_t(capacity)
            failed = png_image_write_to_memory(&image, target.baseAddress, &size, 0, interleaved, 0, nil) == 0
            count = failed ? 0 : Int(size)
        }
        if failed {
            if Image.isOutOfMemory(Image.message(of: image)) { throw Memory.failure(for: "a PNG encoder") }
            throw Failure(
                .software, "cannot encode \(width) x \(height) pixels as PNG: \(Image.message(of: image))",
                "please report this")
        }
        return bytes
    }

    /// Writes the image as PNG, under a temporary name that becomes `path` when the file is complete.
    ///
    /// - Throws: `Failure` `.cannotCreate` or `.inputOutput`.
    package func writePNG(to path: String) throws {
        try OutputFile.write(try pngBytes(), to: path)
    }

    private static func damagedPNG(_ image: png_image, _ name: String) -> Failure {
        let message = message(of: image)
        if isOutOfMemory(message) { return Memory.failure(for: name) }
        let endsEarly = message.contains("ot enough image data") || message.contains("ead beyond end")
        return endsEarly
            ? PNGChunks.truncated(name)
            : Failure(.data, "\(name) is a damaged PNG file (libpng: \(message))", "fetch or export it again")
    }

    /// Whether libpng or zlib had no memory; they say so in words only.
    private static func isOutOfMemory(_ message: String) -> Bool {
        ["out of memory", "insufficient memory"].contains { message.lowercased().contains($0) }
    }

    private static func message(of image: png_image) -> String {
        withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
