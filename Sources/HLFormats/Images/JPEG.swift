import HLTensor

#if HL_JPEG
    import CJPEG
#endif

extension Image {
    /// Whether this build can read JPEG files.
    package static var readsJPEG: Bool {
        #if HL_JPEG
            true
        #else
            false
        #endif
    }

    /// Reads a JPEG, baseline or progressive; grey, CMYK and YCCK (as Adobe writes them) become RGB. The orientation in
    /// Exif is not applied, as by torchvision's loader.
    ///
    /// - Parameter name: what messages call the image.
    /// - Throws: `Failure` `.data` for bytes that are not a complete JPEG, or more than ``maximumSide`` pixels a side;
    ///   `.usage` when the program was built without libjpeg.
    package init(jpeg bytes: UnsafeRawBufferPointer, name: String) throws {
        try self.init(jpeg: bytes, name: name) { _, _ in 8 }
    }

    /// Reads a JPEG for an image of `width` × `height` pixels or a part of one, which it will be resized to: at a
    /// quarter or a half of its size where enough is left, else whole. The inverse transform makes fewer pixels of each
    /// block, which is faster.
    ///
    /// The result has at least `width` × `height` pixels where the whole image has. Resized to them, photographs differ
    /// from the whole ones resized by less than three of 255 levels on average: a reduced transform is sharper than the
    /// triangle of ``resized(width:height:)``, so that some pixels more than the result's own are asked for.
    ///
    /// - Throws: as for the whole image.
    package init(jpeg bytes: UnsafeRawBufferPointer, covering width: Int, by height: Int, name: String) throws {
        try self.init(jpeg: bytes, name: name) { wholeWidth, wholeHeight in
            let scales: [(eighths: Int, margin: Double)] = [(2, 1.5), (4, 1.25)]
            let scale = scales.first { eighths, margin in
                Double(wholeWidth * eighths) >= 8 * margin * Double(width)
                    && Double(wholeHeight * eighths) >= 8 * margin * Double(height)
            }
            return scale?.eighths ?? 8
        }
    }

    /// Reads a part of a JPEG, without the work for what is beside and below it: the pixels that cutting it out of the
    /// whole image gives, to the bit.
    ///
    /// - Parameter region: must lie within the image.
    /// - Throws: as for the whole image, but that damage below the region may not show.
    package init(jpeg bytes: UnsafeRawBufferPointer, region: Region, name: String) throws {
        #if HL_JPEG
            let decoder = try JPEGDecoder(bytes, name: name)
            precondition(region.isWithin(width: decoder.width, height: decoder.height))
            try self.init(width: region.width, height: region.height) { try decoder.read(region, into: $0) }
        #else
            throw Image.noJPEG(name)
        #endif
    }

    /// - Parameter eighths: the scale, 1 to 8, for the width and height of the whole image.
    private init(
        jpeg bytes: UnsafeRawBufferPointer, name: String, eighths: (_ width: Int, _ height: Int) -> Int
    ) throws {
        #if HL_JPEG
            let decoder = try JPEGDecoder(bytes, name: name)
            let (width, height) = try decoder.scale(to: eighths(decoder.width, decoder.height))
            try self.init(width: width, height: height, fill: decoder.read)
        #else
            throw Image.noJPEG(name)
        #endif
    }

    /// Width and height of a JPEG in pixels, from its header.
    /// - Throws: `Failure` as for reading, but for what comes behind the header.
    static func size(jpeg bytes: UnsafeRawBufferPointer, name: String) throws -> (width: Int, height: Int) {
        #if HL_JPEG
            let decoder = try JPEGDecoder(bytes, name: name)
            return (decoder.width, decoder.height)
        #else
            throw Image.noJPEG(name)
        #endif
    }

    private static func noJPEG(_ name: String) -> Failure {
        Failure(
            .usage, "\(name) is a JPEG file and this build has no JPEG reader",
            "install libjpeg-turbo's headers and build again")
    }
}

#if HL_JPEG
    /// A JPEG whose header has been read.
    private final class JPEGDecoder {
        /// In pixels, at most ``Image/maximumSide``.
        let width: Int
        let height: Int
        private let decoder: OpaquePointer
        private let name: String

        /// - Parameter bytes: must outlive the decoder.
        init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
            guard let decoder = hl_jpeg_new() else { throw Memory.failure(for: "a JPEG decoder") }
            self.decoder = decoder
            self.name = name
            let source = bytes.bindMemory(to: UInt8.self)
            var width: Int32 = 0
            var height: Int32 = 0
            let status = hl_jpeg_open(decoder, source.baseAddress, source.count, &width, &height)
            self.width = Int(width)
            self.height = Int(height)
            try check(status)
            try Image.checkSize(width: self.width, height: self.height, name: name)
        }

        deinit { hl_jpeg_free(decoder) }

        /// - Returns: width and height at so many eighths.
        func scale(to eighths: Int) throws -> (width: Int, height: Int) {
            var width: Int32 = 0
            var height: Int32 = 0
            try check(hl_jpeg_scale(decoder, Int32(eighths), &width, &height))
            return (Int(width), Int(height))
        }

        func read(into planes: UnsafeMutableBufferPointer<UInt8>) throws {
            try check(hl_jpeg_read(decoder, planes.baseAddress))
        }

        func read(_ region: Image.Region, into planes: UnsafeMutableBufferPointer<UInt8>) throws {
            try check(
                hl_jpeg_read_region(
                    decoder, Int32(region.left), Int32(region.top), Int32(region.width), Int32(region.height),
                    planes.baseAddress))
        }

        private func check(_ status: hl_jpeg_status) throws {
            if status == HL_JPEG_NO_MEMORY { throw Memory.failure(for: name) }
            if status == HL_JPEG_TRUNCATED {
                throw Failure(.data, "\(name) is a truncated JPEG file", "fetch or export it again")
            }
            if status != HL_JPEG_OK {
                throw Failure(
                    .data, "\(name) is a damaged JPEG file (libjpeg: \(String(cString: hl_jpeg_message(decoder))))",
                    "fetch or export it again")
            }
        }
    }
#endif
