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
    ///   - name: of the archive, for messages.
    ///   - position: of the block in the archive, for messages.
    /// - Throws: `Failure` (data) for a wrong checksum or number.
    init(_ block: [UInt8], name archive: String, at position: Int) throws {
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
        if block[257..<263].elementsEqual(Array("ustar".utf8) + [0]) {
            let prefix = block[345..<500].prefix { $0 != 0 }
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        self.name = name
        hasExtension = type == UInt8(ascii: "S") && block[482] != 0
    }

    /// Whether the checksum of a block is right: the sum of its bytes, signed in some old tars, its own eight counted as
    /// blanks.
    static func isHeader(_ block: [UInt8]) -> Bool {
        guard let stated = number(block[148..<156]) else { return false }
        var plain = 8 * 32, signed = 8 * 32
        for index in block.indices where !(148..<156).contains(index) {
            plain += Int(block[index])
            signed += Int(Int8(bitPattern: block[index]))
        }
        return stated == plain || stated == signed
    }

    /// Octal digits between blanks and zeros, or GNU's base 256: big-endian behind a byte 0x80. Nil for what is
    /// negative, beyond Int, or no number.
    static func number(_ field: ArraySlice<UInt8>) -> Int? {
        guard let first = field.first else { return nil }
        var value = 0
        if first & 0x80 != 0 {
            for byte in CollectionOfOne(first & 0x7F) + Array(field.dropFirst()) {
                guard value <= Int.max >> 8 else { return nil }
                value = value << 8 | Int(byte)
            }
            return value
        }
        let text = field.drop { $0 == 32 }
        let digits = text.prefix { (48...55).contains($0) }
        // At most eleven digits of three bits: nothing overflows.
        for digit in digits { value = value << 3 | Int(digit - 48) }
        // What follows the mark of the end says nothing.
        guard let end = text.dropFirst(digits.count).first else { return value }
        return end == 32 || end == 0 ? value : nil
    }
}
