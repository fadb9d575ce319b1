/// What is wrong with compressed bytes; the reader that knows their name turns it into a `Failure`.
package enum ZstdProblem: Error, Equatable {
    /// The input does not begin with a frame; its first bytes.
    case foreign([UInt8])
    /// The input ends within a frame.
    case truncated
    case damaged(String)
    /// In order, but written as no stream may be: what it is, and how to write it right.
    case refused(String, remedy: String)
    /// The window of a frame, in bytes, for which memory does not suffice.
    case windowBeyondMemory(UInt64)
    /// More decompressed bytes than a reader accepts.
    case tooLarge
}

/// The header of a zstd frame (RFC 8878, section 3.1.1).
package struct ZstdFrameHeader: Equatable {
    package static let magic: UInt32 = 0xFD2F_B528
    /// With four free low bits.
    package static let skippableMagic: UInt32 = 0x184D_2A50

    /// In bytes, the magic number included.
    package let size: Int
    /// Of the decompressed content, where the frame tells.
    package let contentSize: UInt64?
    /// Bytes of the content that a decoder has to keep at hand.
    package let windowSize: UInt64
    package let hasChecksum: Bool

    package static func isSkippable(_ magic: UInt32) -> Bool { magic & 0xFFFF_FFF0 == skippableMagic }

    /// The size of the header whose fifth byte is `descriptor`.
    package static func size(descriptor: UInt8) -> Int {
        let isSingleSegment = descriptor & 0x20 != 0
        let dictionarySize = [0, 1, 2, 4][Int(descriptor & 3)]
        let contentSizeSize = [isSingleSegment ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)]
        return 5 + (isSingleSegment ? 0 : 1) + dictionarySize + contentSizeSize
    }

    /// - Parameter bytes: a whole header, beginning with the magic number.
    package init(_ bytes: UnsafeRawBufferPointer) {
        let descriptor = bytes[4]
        size = Self.size(descriptor: descriptor)
        hasChecksum = descriptor & 4 != 0
        let isSingleSegment = descriptor & 0x20 != 0
        let dictionarySize = [0, 1, 2, 4][Int(descriptor & 3)]
        let start = 5 + (isSingleSegment ? 0 : 1) + dictionarySize
        let value = (start..<size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        switch size - start {
        case 0: contentSize = nil
        case 2: contentSize = value + 256
        default: contentSize = value
        }
        // Section 3.1.1.1.2: five bits of exponent, three of mantissa. A single segment is its own window.
        let base = UInt64(1) << (10 + UInt64(bytes[5] >> 3))
        windowSize = isSingleSegment ? contentSize ?? 0 : base + base / 8 * UInt64(bytes[5] & 7)
    }
}
