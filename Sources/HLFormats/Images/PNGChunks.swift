import HLTensor

/// A PNG file cut down to the chunks that say what its pixels are.
///
/// Without the chunks on colour spaces, gamma and transparency libpng leaves the samples as they are stored, which is
/// how the Python libraries that datasets are read with see them. It also keeps compressed texts and profiles, which
/// can unfold to any size, away from the decoder. The CRCs of what is kept are libpng's business.
struct PNGChunks {
    let width: Int
    let height: Int
    let bitDepth: Int
    let colourType: UInt8
    /// Signature, IHDR, PLTE, IDAT and IEND.
    let essential: [UInt8]
    private let compressedSize: Int

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    var hasAlpha: Bool { colourType & 4 != 0 }

    /// Bytes of all scan lines before filtering, without those that interlacing adds.
    var decodedSize: Int {
        let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colourType, default: 1]
        return height * ((width * channels * bitDepth + 7) / 8)
    }

    /// The most that the compressed bytes can unfold to: deflate gains at most a factor of 1032. A header that claims
    /// more is not backed by the file.
    var largestDecodedSize: Int { compressedSize * 1032 }

    init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
        guard bytes.starts(with: Self.signature) else {
            throw Failure(.data, "\(name) is not a PNG file", "give another file")
        }
        var kept = Self.signature
        var compressedSize = 0
        var header: UnsafeRawBufferPointer?
        var position = Self.signature.count
        var isComplete = false

        func word(at offset: Int) -> Int {
            Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }

        while !isComplete {
            // Length, type and CRC take 12 bytes around the contents.
            guard bytes.count - position >= 12 else { throw Self.truncated(name) }
            let length = word(at: position)
            guard length <= bytes.count - position - 12 else { throw Self.truncated(name) }
            let chunk = UnsafeRawBufferPointer(rebasing: bytes[position..<(position + 12 + length)])
            let type = Array(chunk[4..<8])
            // IHDR comes first, and everything else rests on it.
            if header == nil {
                guard type.elementsEqual("IHDR".utf8), length == 13 else {
                    throw Failure(.data, "\(name) is a damaged PNG file (no header)", "fetch or export it again")
                }
                header = chunk
            }
            if type.elementsEqual("IDAT".utf8) { compressedSize += length }
            isComplete = type.elementsEqual("IEND".utf8)
            // A lower-case first letter marks what a reader may leave out.
            if type[0] & 0x20 == 0 { kept.append(contentsOf: chunk) }
            position += 12 + length
        }
        guard let header else { throw Self.truncated(name) }
        width = Int(UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        height = Int(UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        bitDepth = Int(header[16])
        colourType = header[17]
        essential = kept
        self.compressedSize = compressedSize
    }

    static func truncated(_ name: String) -> Failure {
        Failure(.data, "\(name) is a truncated PNG file", "fetch or export it again")
    }
}

extension Image {
    /// Width and height of a PNG in pixels, from its header.
    /// - Throws: `Failure` (data).
    static func size(png bytes: UnsafeRawBufferPointer, name: String) throws -> (width: Int, height: Int) {
        // Signature, then length, type and contents of IHDR.
        guard bytes.count >= 24 else { throw PNGChunks.truncated(name) }
        guard bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw Failure(.data, "\(name) is a damaged PNG file (no header)", "fetch or export it again")
        }
        let width = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
        let height = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self)))
        try checkSize(width: width, height: height, name: name)
        return (width, height)
    }
}
