import HLTensor

extension Image {
    /// Reads a PNG or JPEG file, told apart by its first bytes and not by its name.
    ///
    /// - Throws: `Failure` `.noInput` for a file that cannot be opened, `.data` for one that is not a complete image.
    package static func read(path: String) throws -> Image {
        let source = try FileDescriptorSource(path: path)
        if let size = source.fileSize, size > maximumFileSize {
            throw Failure(.data, "\(path) has \(size) bytes, too many for an image", "leave it out")
        }
        let file = try source.readAll()
        defer { withExtendedLifetime(file) {} }
        return try Image(bytes: UnsafeRawBufferPointer(file.bytes), name: path)
    }

    /// Refuses names that promise another format than PNG, the one that is written.
    ///
    /// - Throws: `Failure` (usage).
    package static func checkPNGName(_ path: String) throws {
        let file = path.split(separator: "/").last ?? ""
        guard let point = file.lastIndex(of: ".") else { return }
        let ending = file[point...].lowercased()
        if [".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".svg", ".pdf", ".eps", ".ppm", ".avif"]
            .contains(ending)
        {
            throw Failure(
                .usage, "\(path) would be PNG, and not what \(ending) says",
                "name it \(path.dropLast(ending.count)).png, and convert it if need be")
        }
    }

    /// More than any image within ``maximumSide`` has in practice: a wrong path must not fill the memory.
    private static let maximumFileSize = 1 << 30

    /// Decodes the bytes of a PNG or JPEG file.
    ///
    /// - Parameter name: what messages call the image.
    package init(bytes: UnsafeRawBufferPointer, name: String) throws {
        if bytes.starts(with: PNGChunks.signature) {
            try self.init(png: bytes, name: name)
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            try self.init(jpeg: bytes, name: name)
        } else if bytes.isEmpty {
            throw Failure(.data, "\(name) is empty", "fetch or export it again")
        } else {
            throw Failure(.data, "\(name) is neither a PNG nor a JPEG file", "convert it or leave it out")
        }
    }
}
