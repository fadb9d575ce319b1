import HLTensor

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
            JPEGScale.eighths(
                of: Double(wholeWidth), by: Double(wholeHeight), covering: Double(width), by: Double(height))
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
            try self.init(width: region.width, height: region.height) { try decoder.read(region, intoPlanes: $0) }
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
            let whole = Region(left: 0, top: 0, width: width, height: height)
            try self.init(width: width, height: height) { try decoder.read(whole, intoPlanes: $0) }
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

    static func noJPEG(_ name: String) -> Failure {
        Failure(
            .usage, "\(name) is a JPEG file and this build has no JPEG reader",
            "install libjpeg-turbo's headers and build again")
    }
}

/// How much smaller than whole a JPEG is decoded.
enum JPEGScale {
    /// 2, 4 or 8 eighths: a quarter or a half where `width` × `height` pixels of the whole, which are to become
    /// `newWidth` × `newHeight`, then are enough, else whole. A reduced transform is sharper than a triangle, so that some
    /// pixels more than the result's own are asked for.
    static func eighths(of width: Double, by height: Double, covering newWidth: Double, by newHeight: Double) -> Int {
        let scales: [(eighths: Int, margin: Double)] = [(2, 1.5), (4, 1.25)]
        let scale = scales.first { eighths, margin in
            width * Double(eighths) >= 8 * margin * newWidth && height * Double(eighths) >= 8 * margin * newHeight
        }
        return scale?.eighths ?? 8
    }
}
