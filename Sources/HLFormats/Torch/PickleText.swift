import HLTensor

/// The arguments of the text opcodes of protocol 0.
enum PickleText {
    static func integer(_ line: String) throws -> Int64 {
        guard let value = Int64(line) else { throw damagedPickle("it has a malformed integer") }
        return value
    }

    /// A quoted Python string literal with its escapes.
    static func bytes(_ line: String) throws -> ByteSlice {
        let source = Array(line.utf8)
        guard let quote = source.first, source.count >= 2, quote == source.last, [39, 34].contains(quote) else {
            throw damagedPickle("it has a malformed string")
        }
        var result: [UInt8] = []
        var position = 1
        let end = source.count - 1
        while position < end {
            guard source[position] == UInt8(ascii: "\\") else {
                result.append(source[position])
                position += 1
                continue
            }
            guard position + 1 < end else { throw damagedPickle("it has a malformed string") }
            position += 2
            switch source[position - 1] {
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "t"): result.append(9)
            case UInt8(ascii: "x"):
                result.append(UInt8(truncatingIfNeeded: try hexadecimal(source[..<end], at: &position, digits: 2)))
            case let character where [39, 34, 92].contains(character): result.append(character)
            default: throw damagedPickle("it has a malformed string")
            }
        }
        return ByteSlice(copying: result)
    }

    /// Python's raw-unicode-escape: Latin-1 with \uXXXX and \UXXXXXXXX.
    static func unicode(_ line: String) throws -> String {
        let source = Array(line.utf8)
        guard source.contains(UInt8(ascii: "\\")) else { return line }
        var result: [UInt8] = []
        var position = 0
        while position < source.count {
            if source[position] == UInt8(ascii: "\\"), position + 1 < source.count,
                source[position + 1] == UInt8(ascii: "u") || source[position + 1] == UInt8(ascii: "U")
            {
                let digits = source[position + 1] == UInt8(ascii: "u") ? 4 : 8
                position += 2
                let value = try hexadecimal(source[...], at: &position, digits: digits)
                result += Array(String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
            } else {
                result.append(source[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hexadecimal(_ source: ArraySlice<UInt8>, at position: inout Int, digits: Int) throws -> UInt32 {
        guard source.endIndex - position >= digits,
            let value = UInt32(
                String(decoding: source[position..<(position + digits)], as: UTF8.self), radix: 16)
        else { throw damagedPickle("it has a malformed escape") }
        position += digits
        return value
    }
}
