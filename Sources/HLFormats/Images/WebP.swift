import HLTensor

#if HL_WEBP
    import CWebP
#endif

extension Image {
    /// Whether this build can read WebP files.
    package static var readsWebP: Bool {
        #if HL_WEBP
            true
        #else
            false
        #endif
    }

    /// Whether bytes begin as a WebP file (RFC 9649, section 2.3).
    static func isWebP(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 12 && bytes.starts(with: "RIFF".utf8) && bytes[8..<12].elementsEqual("WEBP".utf8)
    }

    /// Reads a WebP file, lossy or lossless. Alpha is dropped, not blended, and colour profiles are ignored, as by
    /// Pillow's `convert("RGB")`.
    ///
    /// - Parameter name: what messages call the image.
    /// - Throws: `Failure` `.data` for bytes that are not a complete WebP, an animation, or more than ``maximumSide``
    ///   pixels a side; `.usage` when the program was built without libwebp.
    package init(webp bytes: UnsafeRawBufferPointer, name: String) throws {
        #if HL_WEBP
            let (width, height) = try Image.size(webp: bytes, name: name)
            // A few bytes can stand for one colour over any size; what no photograph can be is refused before memory
            // is taken for it.
            guard width * height <= 1 << 24 || width * height / 4096 <= bytes.count else {
                throw Failure(
                    .data, "\(name) claims \(width) x \(height) pixels in \(bytes.count) bytes",
                    "scale the image down or leave it out")
            }
            let interleaved = HostBuffer(count: 3 * width * height)
            var config = WebPDecoderConfig()
            guard WebPInitDecoderConfig(&config) != 0 else {
                throw Failure(.software, "libwebp is of another version than its headers", "build again")
            }
            config.output.colorspace = MODE_RGB
            config.output.is_external_memory = 1
            config.output.u.RGBA.rgba = interleaved.pointer.assumingMemoryBound(to: UInt8.self)
            config.output.u.RGBA.stride = Int32(3 * width)
            config.output.u.RGBA.size = interleaved.count
            let source = bytes.bindMemory(to: UInt8.self)
            let status = WebPDecode(source.baseAddress, source.count, &config)
            WebPFreeDecBuffer(&config.output)
            try Image.check(status, name)
            self.init(width: width, height: height) { planes in
                let source = interleaved.pointer.assumingMemoryBound(to: UInt8.self)
                let plane = width * height
                guard let target = planes.baseAddress else { return }
                for pixel in 0..<plane {
                    target[pixel] = source[3 * pixel]
                    target[plane + pixel] = source[3 * pixel + 1]
                    target[2 * plane + pixel] = source[3 * pixel + 2]
                }
                withExtendedLifetime(interleaved) {}
            }
        #else
            throw Image.noWebP(name)
        #endif
    }

    /// Width and height of a WebP in pixels, from its header.
    /// - Throws: `Failure` as for reading, but for what comes behind the header.
    static func size(webp bytes: UnsafeRawBufferPointer, name: String) throws -> (width: Int, height: Int) {
        #if HL_WEBP
            let source = bytes.bindMemory(to: UInt8.self)
            var features = WebPBitstreamFeatures()
            try check(WebPGetFeatures(source.baseAddress, source.count, &features), name)
            guard features.has_animation == 0 else {
                throw Failure(.data, "\(name) is an animation", "leave it out, or save one of its frames")
            }
            try checkSize(width: Int(features.width), height: Int(features.height), name: name)
            return (Int(features.width), Int(features.height))
        #else
            throw noWebP(name)
        #endif
    }

    #if HL_WEBP
        private static func check(_ status: VP8StatusCode, _ name: String) throws {
            switch status {
            case VP8_STATUS_OK: break
            case VP8_STATUS_OUT_OF_MEMORY: throw Memory.failure(for: name)
            case VP8_STATUS_SUSPENDED, VP8_STATUS_NOT_ENOUGH_DATA:
                throw Failure(.data, "\(name) is a truncated WebP file", "fetch or export it again")
            default:
                throw Failure(
                    .data, "\(name) is a damaged WebP file (libwebp: status \(status.rawValue))",
                    "fetch or export it again")
            }
        }
    #else
        private static func noWebP(_ name: String) -> Failure {
            Failure(
                .usage, "\(name) is a WebP file and this build has no WebP reader",
                "install libwebp's headers and build again")
        }
    #endif
}
