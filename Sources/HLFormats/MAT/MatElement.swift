import HLTensor

/// The types in which elements are stored (MAT-File Format, table 1-1), numbered as in the file.
enum MatType: UInt32 {
    case int8 = 1, uint8, int16, uint16, int32, uint32, single
    case double = 9
    case int64 = 12, uint64, matrix, compressed, utf8, utf16, utf32

    /// Bytes of a number or character.
    var size: Int {
        switch self {
        case .int8, .uint8, .utf8, .matrix, .compressed: 1
        case .int16, .uint16, .utf16: 2
        case .int32, .uint32, .single, .utf32: 4
        case .double, .int64, .uint64: 8
        }
    }

    var isNumber: Bool { rawValue <= 13 }
}

/// Bytes of a file in its byte order.
struct MatBytes: Sendable {
    let bytes: ByteSlice
    let isBigEndian: Bool

    var count: Int { bytes.count }

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value? {
        bytes.integer(at: offset, as: type).map { isBigEndian ? $0.byteSwapped : $0 }
    }

    func slice(at offset: Int, count: Int) -> MatBytes? {
        bytes.slice(at: offset, count: count).map { MatBytes(bytes: $0, isBigEndian: isBigEndian) }
    }

    /// All of them as numbers of one size; a rest is left out.
    func integers<Value: FixedWidthInteger & BitwiseCopyable>(as type: Value.Type) -> [Value] {
        let size = MemoryLayout<Value>.size
        return (0..<count / size).map { integer(at: $0 * size, as: type) ?? 0 }
    }

    /// Latin letters up to the first zero, as names are written.
    var name: String {
        bytes.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// A tagged piece of a file.
struct MatElement {
    let type: MatType
    let contents: MatBytes
}

/// The elements of a range of bytes, one after the other.
struct MatElements {
    private let bytes: MatBytes
    private var position = 0

    init(_ bytes: MatBytes) { self.bytes = bytes }

    /// Bytes not yet taken.
    var rest: Int { bytes.count - position }

    /// The next element, nil at the end.
    /// - Throws: `Failure` (data).
    mutating func next() throws -> MatElement? {
        guard rest > 0 else { return nil }
        guard let word = bytes.integer(at: position, as: UInt32.self), rest >= 8 else {
            throw damagedMat("an element is cut off")
        }
        // Up to four bytes of contents stand within the tag, their number in its upper half.
        let isSmall = word >> 16 != 0
        let size = isSmall ? Int(word >> 16) : Int(bytes.integer(at: position + 4, as: UInt32.self) ?? 0)
        guard let type = MatType(rawValue: isSmall ? word & 0xFFFF : word) else {
            throw damagedMat("an element has the unknown type \(isSmall ? word & 0xFFFF : word)")
        }
        let start = position + (isSmall ? 4 : 8)
        guard !isSmall || size <= 4, let contents = bytes.slice(at: start, count: size) else {
            throw damagedMat("an element is cut off")
        }
        // All but compressed elements are filled up to eight bytes.
        let end = type == .compressed ? start + size : start + (size + 7) / 8 * 8
        position = min(isSmall ? position + 8 : end, bytes.count)
        return MatElement(type: type, contents: contents)
    }

    /// The next element, which has to be one of these types.
    mutating func next(_ types: MatType..., for what: String) throws -> MatElement {
        guard let element = try next(), types.contains(element.type) else { throw damagedMat("\(what) is missing") }
        return element
    }
}

/// What a file that cannot be read is refused with; its reader adds the path.
func damagedMat(_ what: String) -> Failure {
    Failure(.data, "it is a damaged MAT-file (\(what))", "fetch or save it again")
}
