import HLTensor

extension JSONValue {
    /// Parses `bytes`, which must be one JSON text in UTF-8 and nothing else but white space.
    ///
    /// Stricter than RFC 8259 asks: duplicate keys, unpaired surrogates, numbers beyond `Double` and more than 64
    /// levels are refused.
    /// - Parameters:
    ///   - name: what the text is, for the message.
    ///   - omitted: a member of the outermost object whose object or array is passed over, unread but for its brackets,
    ///     and left out: where it is long and nobody asks for it.
    /// - Throws: `Failure` (data).
    package init(parsing bytes: UnsafeRawBufferPointer, name: String, without omitted: String? = nil) throws {
        var parser = JSONParser(bytes: bytes, omitted: omitted)
        do throws(JSONParser.Problem) {
            self = try parser.document()
        } catch {
            throw Failure(
                .data, "\(name) is not valid JSON (\(error.reason) at byte \(error.offset))", "copy or make it again")
        }
    }

    package init(parsing text: String, name: String) throws {
        var text = text
        self = try text.withUTF8 { try JSONValue(parsing: UnsafeRawBufferPointer($0), name: name) }
    }
}

/// A recursive-descent parser over bytes.
struct JSONParser {
    struct Problem: Error {
        let reason: String
        let offset: Int
    }

    static let maximumDepth = 64

    private let bytes: UnsafeRawBufferPointer
    /// A member of the outermost object that is left out.
    private let omitted: String?
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, omitted: String? = nil) {
        self.bytes = bytes
        self.omitted = omitted
    }

    mutating func document() throws(Problem) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        if position < bytes.count { throw problem("text after the value") }
        return value
    }

    private func problem(_ reason: String) -> Problem { Problem(reason: reason, offset: position) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Consumes `byte` if it comes next, after white space.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Problem) -> JSONValue {
        if depth > Self.maximumDepth { throw problem("more than \(Self.maximumDepth) levels") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"): return try number()
        case nil: throw problem("unexpected end")
        default: throw problem("unexpected character")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Problem) -> JSONValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count else { throw problem("unexpected end") }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] {
            throw problem("unexpected character")
        }
        position = end
        return value
    }

    private mutating func object(depth: Int) throws(Problem) -> JSONObject {
        position += 1
        var members: [(key: String, value: JSONValue)] = []
        // Small objects are searched; a set costs more than it saves there.
        var keys: Set<String> = []
        if take("}") { return JSONObject() }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw problem("expected a key") }
            let key = try string()
            if members.count == 8 { keys = Set(members.map(\.key)) }
            if members.count < 8 ? members.contains(where: { $0.key == key }) : !keys.insert(key).inserted {
                throw problem("duplicate key")
            }
            guard take(":") else { throw problem("expected a colon") }
            if depth == 0 && key == omitted {
                try passOver()
            } else {
                members.append((key, try value(depth: depth + 1)))
            }
        } while take(",")
        guard take("}") else { throw problem("expected a comma or the end of the object") }
        return JSONObject(uniqueMembers: members)
    }

    /// Goes behind an object or array, of which only brackets and strings are looked at; behind anything else by reading
    /// it.
    private mutating func passOver() throws(Problem) {
        skipSpace()
        guard current == UInt8(ascii: "{") || current == UInt8(ascii: "[") else {
            _ = try value(depth: 1)
            return
        }
        var open = 0
        repeat {
            switch current {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case nil: throw problem("unexpected end")
            default: break
            }
            position += 1
        } while open > 0
    }

    private mutating func array(depth: Int) throws(Problem) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        if take("]") { return elements }
        repeat {
            elements.append(try value(depth: depth + 1))
        } while take(",")
        guard take("]") else { throw problem("expected a comma or the end of the array") }
        return elements
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        var start = position
        var unescaped: [UInt8] = []
        var hasEscapes = false
        while let byte = current {
            if byte < 0x20 { throw problem("control character in a string") }
            if byte == UInt8(ascii: "\"") {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
                let text: String?
                if hasEscapes {
                    unescaped.append(contentsOf: rest)
                    text = String(validating: unescaped, as: UTF8.self)
                } else {
                    text = String(validating: rest, as: UTF8.self)
                }
                guard let text else { throw problem("text that is not UTF-8") }
                position += 1
                return text
            }
            position += 1
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                unescaped.append(contentsOf: bytes[start..<position - 1])
                unescaped.append(contentsOf: Array(String(try escape()).utf8))
                start = position
            }
        }
        throw problem("unexpected end")
    }

    private mutating func escape() throws(Problem) -> Unicode.Scalar {
        guard let byte = current else { throw problem("unexpected end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code = try fourDigits()
            if code >= 0xD800 && code < 0xDC00 {
                guard current == UInt8(ascii: "\\") else { throw problem("unpaired surrogate") }
                position += 1
                guard current == UInt8(ascii: "u") else { throw problem("unpaired surrogate") }
                position += 1
                let low = try fourDigits()
                guard low >= 0xDC00 && low < 0xE000 else { throw problem("unpaired surrogate") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw problem("unpaired surrogate") }
            return scalar
        default: throw problem("unknown escape")
        }
    }

    private mutating func fourDigits() throws(Problem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw problem("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    private mutating func digits() throws(Problem) {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        if position == start { throw problem("expected a digit") }
    }

    private mutating func number() throws(Problem) -> JSONValue {
        let start = position
        var isInteger = true
        if current == UInt8(ascii: "-") { position += 1 }
        let first = position
        try digits()
        if bytes[first] == UInt8(ascii: "0") && position > first + 1 { throw problem("leading zero") }
        if current == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        // -0 is no integer: its sign would be lost.
        if isInteger, text != "-0", let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw problem("number out of range") }
        return .number(value)
    }
}
