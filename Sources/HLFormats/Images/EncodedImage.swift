import HLTensor

/// An image that is decoded when it is known what is wanted of it, in one pass from its bytes to the result.
package struct EncodedImage: Sendable {
    private enum Content {
        /// The bytes of an image file.
        case file(HostBuffer)
        case pixels(Image)
    }

    /// What messages call it.
    package let name: String
    private let content: Content

    /// - Throws: `Failure`: noInput for a file that cannot be opened, data for one that is too large.
    package init(_ path: SystemPath) throws {
        content = .file(try Image.bytes(of: path))
        name = path.shown
    }

    /// - Throws: `Failure` (data, inputOutput).
    package init(_ section: FileSection) throws {
        content = .file(try section.read(limit: Image.maximumFileSize))
        name = section.name
    }

    /// What has been decoded before.
    package init(_ image: Image, name: String) {
        content = .pixels(image)
        self.name = name
    }

    /// The image as it is.
    /// - Throws: `Failure` (data, usage) as ``Image/init(bytes:name:)``.
    package func decoded() throws -> Image {
        switch content {
        case .pixels(let image): image
        case .file(let buffer): try buffer.withBytes { try Image(bytes: $0, name: name) }
        }
    }

    /// Parts of the image, resized to squares of `side` pixels by a triangle that widens with the reduction, as Pillow does.
    /// Of a JPEG only what they need is decoded: damage elsewhere in it may not show.
    ///
    /// - Parameters:
    ///   - scaled: whether a JPEG may be decoded at a half or a quarter of its size where that is enough: within 3 of 255
    ///     levels on average of decoding it whole, and faster. Otherwise the pixels are Pillow's to the bit.
    ///   - target: for each framing, the 3 · side² bytes of its planes.
    ///   - framings: what is wanted of an image of this width and height, at least one.
    /// - Throws: `Failure` (data, usage) for what cannot be decoded.
    package func make(
        side: Int, scaled: Bool, into targets: (Int) -> UnsafeMutablePointer<UInt8>,
        _ framings: (_ width: Int, _ height: Int) throws -> [Framing]
    ) throws {
        switch content {
        case .pixels(let image): try Self.make(image, side, targets, framings)
        case .file(let buffer):
            try buffer.withBytes { bytes in
                guard try Image.Kind(bytes, name: name) == .jpeg else {
                    return try Self.make(Image(bytes: bytes, name: name), side, targets, framings)
                }
                #if HL_JPEG
                    let decoder = try JPEGDecoder(bytes, name: name)
                    let (width, height) = (decoder.width, decoder.height)
                    let wanted = try framings(width, height)
                    let eighths =
                        scaled ? wanted.map { $0.eighths(ofWidth: width, height: height, side: side) }.max() ?? 8 : 8
                    if eighths < 8 { _ = try decoder.scale(to: eighths) }
                    try Self.make(width, height, at: eighths, side, wanted, into: targets) { window, feed in
                        try decoder.read(window, rowsAtATime: Resampling.band, feed)
                    }
                #else
                    throw Image.noJPEG(name)
                #endif
            }
        }
    }

    private static func make(
        _ image: Image, _ side: Int, _ targets: (Int) -> UnsafeMutablePointer<UInt8>,
        _ framings: (_ width: Int, _ height: Int) throws -> [Framing]
    ) throws {
        try make(
            image.width, image.height, at: 8, side, framings(image.width, image.height), into: targets
        ) { window, feed in
            image.read(window, rowsAtATime: Resampling.band, feed)
        }
    }

    /// - Parameter read: calls its second argument with the rows of a window.
    private static func make(
        _ width: Int, _ height: Int, at eighths: Int, _ side: Int, _ framings: [Framing],
        into targets: (Int) -> UnsafeMutablePointer<UInt8>,
        _ read: (Image.Region, (UnsafePointer<UInt8>, _ stride: Int, _ rows: Range<Int>) -> Void) throws -> Void
    ) throws {
        let taps = try framings.map { try $0.taps(ofWidth: width, height: height, at: eighths, side: side) }
        guard let window = Image.Region(columns: taps.map(\.columns.span), rows: taps.map(\.rows.span)) else { return }
        let resamplings = zip(taps, framings).map { taps, framing in
            Resampling(taps.columns, taps.rows, mirrored: framing.isMirrored, columnsFrom: window.left)
        }
        try read(window) { pixels, stride, rows in
            for resampling in resamplings { resampling.take(pixels, stride: stride, rows: rows) }
        }
        for (number, resampling) in resamplings.enumerated() { resampling.finish(into: targets(number)) }
    }
}
