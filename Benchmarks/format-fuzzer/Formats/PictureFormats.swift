import HLFormats

/// PNG files. Half of the cases get right checksums again, so that the damage reaches the decoder.
struct PNGFormat: FuzzedFormat {
    let name = "png"

    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) -> [UInt8] {
        var bytes = damage.applied(to: files)
        if damage.below(2) == 0 { repairChecksums(&bytes) }
        return bytes
    }

    func read(path: String, thorough: Bool) throws { _ = try Image.read(path: path) }

    /// The CRC of every chunk that is whole (PNG specification, section 5.3).
    private func repairChecksums(_ bytes: inout [UInt8]) {
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 12 else { return }
            let end = position + 8 + length, sum = Self.checksum(bytes[position + 4..<end])
            for index in 0..<4 { bytes[end + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * index)) }
            position = end + 4
        }
    }

    /// CRC-32 (ISO 3309).
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}

/// JPEG files: whole, at the scales that they can be decoded at, and in parts.
struct JPEGFormat: FuzzedFormat {
    let name = "jpeg"

    func read(path: String, thorough: Bool) throws {
        let whole = try Image.read(path: path)
        let file = try FileDescriptorSource(path: path).readAll()
        for parts in [3, 6] {
            let (width, height) = (max(1, whole.width / parts), max(1, whole.height / parts))
            let image = try file.withBytes { try Image(bytes: $0, covering: width, by: height, name: path) }
            guard image.width >= width, image.height >= height else { throw TooSmall() }
            let region = Image.Region(
                left: whole.width / parts, top: whole.height / parts, width: (whole.width + 1) / 2,
                height: (whole.height + 1) / 2)
            let part = try file.withBytes { try Image(bytes: $0, region: region, name: path) }
            guard part.width == region.width, part.height == region.height else { throw TooSmall() }
        }
    }

    /// Fewer pixels than were asked for.
    private struct TooSmall: Error {}
}

/// WebP files.
struct WebPFormat: FuzzedFormat {
    let name = "webp"

    func read(path: String, thorough: Bool) throws { _ = try Image.read(path: path) }
}
