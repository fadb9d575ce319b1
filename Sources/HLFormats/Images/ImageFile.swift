import HLTensor

extension Image {
    /// Reads a PNG, JPEG or WebP file, told apart by its first bytes and not by its name.
    ///
    /// - Throws: `Failure` `.noInput` for a file that cannot be opened, `.data` for one that is not a complete image.
    package static func read(path: String) throws -> Image { try read(SystemPath(path)) }

    package static func read(_ path: SystemPath) throws -> Image {
        try bytes(of: path).withBytes { try Image(bytes: $0, name: path.shown) }
    }

    /// All of an image's file.
    static func bytes(of path: SystemPath) throws -> HostBuffer {
        let source = try FileDescriptorSource(opening: path)
        if let size = source.fileSize, size > maximumFileSize {
            throw Failure(.data, "\(path.shown) has \(size) bytes, too many for an image", "leave it out")
        }
        return try source.readAll()
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

    /// Decodes the PNG, JPEG or WebP file that a section holds.
    /// - Throws: `Failure` (data, inputOutput) that names the section.
    package static func read(_ section: FileSection) throws -> Image {
        try section.read(limit: maximumFileSize).withBytes { try Image(bytes: $0, name: section.name) }
    }

    /// More than any image within ``maximumSide`` has in practice: a wrong path must not fill the memory.
    static let maximumFileSize = 1 << 30

    /// Decodes the bytes of a PNG, JPEG or WebP file.
    ///
    /// - Parameter name: what messages call the image.
    package init(bytes: UnsafeRawBufferPointer, name: String) throws {
        switch try Kind(bytes, name: name) {
        case .png: try self.init(png: bytes, name: name)
        case .jpeg: try self.init(jpeg: bytes, name: name)
        case .webp: try self.init(webp: bytes, name: name)
        }
    }

    /// Decodes the bytes of an image file, with less work where `width` × `height` pixels are enough: a JPEG at a part
    /// of its size that gives at least these (see ``init(jpeg:covering:by:name:)``), other files whole.
    ///
    /// - Parameter name: what messages call the image.
    package init(bytes: UnsafeRawBufferPointer, covering width: Int, by height: Int, name: String) throws {
        switch try Kind(bytes, name: name) {
        case .png: try self.init(png: bytes, name: name)
        case .jpeg: try self.init(jpeg: bytes, covering: width, by: height, name: name)
        case .webp: try self.init(webp: bytes, name: name)
        }
    }

    /// Decodes a part of an image file: of a JPEG with little work for the rest (see ``init(jpeg:region:name:)``), of
    /// other files by decoding them whole.
    ///
    /// - Parameters:
    ///   - region: must lie within the image, whose size is ``size(of:name:)``.
    ///   - name: what messages call the image.
    package init(bytes: UnsafeRawBufferPointer, region: Region, name: String) throws {
        switch try Kind(bytes, name: name) {
        case .png: self = try Image(png: bytes, name: name).cut(region)
        case .jpeg: try self.init(jpeg: bytes, region: region, name: name)
        case .webp: self = try Image(webp: bytes, name: name).cut(region)
        }
    }

    /// Width and height in pixels of the image in a file's bytes, from its header; what follows is not looked at.
    ///
    /// - Parameter name: what messages call the image.
    /// - Throws: `Failure` as for reading.
    package static func size(of bytes: UnsafeRawBufferPointer, name: String) throws -> (width: Int, height: Int) {
        switch try Kind(bytes, name: name) {
        case .png: try size(png: bytes, name: name)
        case .jpeg: try size(jpeg: bytes, name: name)
        case .webp: try size(webp: bytes, name: name)
        }
    }

    /// The formats that are read.
    enum Kind {
        case png, jpeg, webp

        init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
            if bytes.starts(with: PNGChunks.signature) {
                self = .png
            } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
                self = .jpeg
            } else if Image.isWebP(bytes) {
                self = .webp
            } else if bytes.isEmpty {
                throw Failure(.data, "\(name) is empty", "fetch or export it again")
            } else if case let form = FileForm(bytes.prefix(FileForm.length)), form.kind == .foreign {
                // Pointers of Git LFS and web pages are found where pictures should be, too.
                throw form.refusal(
                    of: name, wanted: "a PNG, JPEG or WebP picture", remedy: "convert it or leave it out")
            } else {
                throw Failure(.data, "\(name) is no PNG, JPEG or WebP file", "convert it or leave it out")
            }
        }
    }
}
