import HLTensor

/// One block of 512 bytes in front of a member (POSIX.1-1988 ustar, GNU tar's manual "Basic Tar Format").
struct TarHeader {
    let name: [UInt8]
    let type: UInt8
    /// Bytes of contents.
    let size: Int
    /// Whether GNU's map of a sparse file goes on in the next block.
    let hasExtension: Bool

    /// - Parameters:
    ///   - block: 512 bytes.
    ///   - name: of the archive, for messages.
    ///   - position: of the block in the archive, for messages.
    /// - Throws: `Failure` (data) for a wrong checksum or number.
    init(_ block: UnsafeRawBufferPointer, name archive: String, at position: Int) throws {
        func damaged(_ what: String) -> Failure {
            Failure(
                .data, "\(archive) is a damaged tar archive (\(what) at byte \(position))", "fetch or copy it again")
        }
        guard Self.isHeader(block) else { throw damaged("no header with a right checksum") }
        guard let size = Self.number(block[124..<136]) else { throw damaged("an impossible size") }
        self.size = size
        type = block[156]
        var name = Array(block[..<100].prefix { $0 != 0 })
        // POSIX has a prefix there; GNU ends its mark in blanks and has times there.
        if block[257..<263].elementsEqual(Self.mark), block[345] != 0 {
            name = block[345..<500].prefix { $0 != 0 } + [UInt8(ascii: "/")] + name
        }
        self.name = name
        hasExtension = type == UInt8(ascii: "S") && block[482] != 0
    }

    private static let mark = Array("ustar".utf8) + [0]

    /// Whether the checksum of a block is right: the sum of its bytes, signed in some old tars, its own eight counted as
    /// blanks.
    static func isHeader(_ block: UnsafeRawBufferPointer) -> Bool {
        let field = block[148..<156]
        guard let stated = number(field) else { return false }
        var sum = 8 * 32, negative = 0
        for byte in block {
            sum += Int(byte)
            negative += Int(byte >> 7)
        }
        for byte in field {
            sum -= Int(byte)
            negative -= Int(byte >> 7)
        }
        return stated == sum || stated == sum - 256 * negative
    }

    /// Octal digits between blanks and zeros, or GNU's base 256: big-endian behind a byte 0x80. Nil for what is
    /// negative, beyond Int, or no number.
    static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard let first = field.first else { return nil }
        var value = 0
        if first & 0x80 != 0 {
            for (index, byte) in field.enumerated() {
                guard value <= Int.max >> 8 else { return nil }
                value = value << 8 | Int(index == 0 ? byte & 0x7F : byte)
            }
            return value
        }
        var isBegun = false
        for byte in field {
            switch byte {
            case 32 where !isBegun: continue
            // What follows the mark of the end says nothing.
            case 32, 0: return value
            case 48...55:
                // At most twelve digits of three bits: nothing overflows.
                value = value << 3 | Int(byte - 48)
                isBegun = true
            default: return nil
            }
        }
        return value
    }
}
