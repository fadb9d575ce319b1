/// The seek table of zstd's official seekable format (contrib/seekable_format, version 0.1.0): a skippable frame at the
/// end of a file with the sizes of all frames before it.
package struct SeekTable: Equatable {
    package struct Entry: Equatable {
        package let compressedSize: UInt32
        package let contentSize: UInt32

        package init(compressedSize: UInt32, contentSize: UInt32) {
            self.compressedSize = compressedSize
            self.contentSize = contentSize
        }
    }

    private static let frameMagic: UInt32 = 0x184D_2A5E
    private static let footerMagic: UInt32 = 0x8F92_EAB1
    package static let footerSize = 9

    package var entries: [Entry] = []

    /// The skippable frame. Entries carry no checksums: the frames have their own.
    package var frame: [UInt8] {
        var bytes: [UInt8] = []
        func append(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        append(Self.frameMagic)
        append(UInt32(entries.count * 8 + Self.footerSize))
        for entry in entries {
            append(entry.compressedSize)
            append(entry.contentSize)
        }
        append(UInt32(entries.count))
        bytes.append(0)
        append(Self.footerMagic)
        return bytes
    }

    package init() {}

    /// The size in bytes of the whole frame whose last nine bytes are `footer`; `nil` if that is no footer.
    package static func frameSize(footer: UnsafeRawBufferPointer) -> Int? {
        guard footer.count == footerSize, word(footer, 5) == footerMagic, footer[4] & 0x7C == 0 else { return nil }
        return 8 + Int(word(footer, 0)) * entrySize(footer[4]) + footerSize
    }

    /// - Parameter bytes: the whole skippable frame. `nil` unless it is consistent.
    package init?(frame bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8 + Self.footerSize else { return nil }
        let footer = UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - Self.footerSize)...])
        guard Self.frameSize(footer: footer) == bytes.count, Self.word(bytes, 0) == Self.frameMagic,
            Int(Self.word(bytes, 4)) == bytes.count - 8
        else { return nil }
        let entrySize = Self.entrySize(footer[4])
        for start in stride(from: 8, to: bytes.count - Self.footerSize, by: entrySize) {
            entries.append(
                Entry(compressedSize: Self.word(bytes, start), contentSize: Self.word(bytes, start + 4)))
        }
    }

    private static func entrySize(_ descriptor: UInt8) -> Int { descriptor & 0x80 != 0 ? 12 : 8 }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
