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
        #if HL_JPEG
            guard let decoder = hl_jpeg_new() else {
                throw Memory.failure(for: "a JPEG decoder")
            }
            defer { hl_jpeg_free(decoder) }

            func check(_ status: hl_jpeg_status) throws {
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

            let source = bytes.bindMemory(to: UInt8.self)
            var width: Int32 = 0
            var height: Int32 = 0
            try check(hl_jpeg_open(decoder, source.baseAddress, source.count, &width, &height))
            try Image.checkSize(width: Int(width), height: Int(height), name: name)
            try self.init(width: Int(width), height: Int(height)) { planes in
                try check(hl_jpeg_read(decoder, planes.baseAddress))
            }
        #else
            throw Failure(
                .usage, "\(name) is a JPEG file and this build has no JPEG reader",
                "install libjpeg-turbo's headers and build again")
        #endif
    }
}
