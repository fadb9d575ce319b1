import HLTensor

/// A recursive-descent parser over bytes.
struct XMLParser {
    struct Problem: Error {
        let reason: String
        let offset: Int
    }

    static let maximumDepth = 64

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(Problem) -> XMLElement {
        // The mark of UTF-8 that editors leave.
        _ = take("\u{FEFF}")
        try passOverMiscellany()
        guard current == UInt8(ascii: "<") else { throw problem("no element") }
        let root = try element(depth: 0)
        try passOverMiscellany()
        if position < bytes.count { throw problem("text behind the element") }
        return root
    }

    private func problem(_ reason: String) -> Problem { Problem(reason: reason, offset: position) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private mutating func skipSpace() {
        while let byte = current, Self.isSpace(byte) { position += 1 }
    }

    /// Consumes `word` if it comes next.
    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard count <= bytes.count - position else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    /// Goes behind the next `word`.
    private mutating func passOver(to word: StaticString) throws(Problem) {
        let start = position
        while position < bytes.count {
            if take(word) { return }
            position += 1
        }
        position = start
        throw problem("no \(word) behind this")
    }

    /// Space, comments and instructions around the root.
    private mutating func passOverMiscellany() throws(Problem) {
        while true {
            skipSpace()
            if take("<!--") {
                try passOver(to: "-->")
            } else if take("<?") {
                try passOver(to: "?>")
            } else if take("<!") {
                throw problem("a document type, which is not read")
            } else {
                return
            }
        }
    }

    /// From its `<` to behind its end.
    private mutating func element(depth: Int) throws(Problem) -> XMLElement {
        if depth >= Self.maximumDepth { throw problem("more than \(Self.maximumDepth) levels") }
        position += 1
        let name = try self.name()
        try passOverAttributes()
        if take("/>") { return XMLElement(name: name, text: "", elements: []) }
        guard take(">") else { throw problem("a tag without an end") }
        var text: [UInt8] = [], elements: [XMLElement] = []
        while !take("</") {
            guard let byte = current else { throw problem("no end of <\(name)>") }
            if take("<!--") {
                try passOver(to: "-->")
            } else if take("<?") {
                try passOver(to: "?>")
            } else if take("<![CDATA[") {
                let start = position
                try passOver(to: "]]>")
                text.append(contentsOf: bytes[start..<position - 3])
            } else if byte == UInt8(ascii: "<") {
                elements.append(try element(depth: depth + 1))
            } else if byte == UInt8(ascii: "&") {
                text.append(contentsOf: Array(String(try reference()).utf8))
            } else {
                text.append(byte)
                position += 1
            }
        }
        guard try self.name() == name else { throw problem("the end of another element than <\(name)>") }
        skipSpace()
        guard take(">") else { throw problem("a tag without an end") }
        guard let content = String(validating: text.trimmed(by: Self.isSpace), as: UTF8.self) else {
            throw problem("text that is not UTF-8")
        }
        return XMLElement(name: name, text: content, elements: elements)
    }

    private mutating func name() throws(Problem) -> String {
        let start = position
        while let byte = current, !Self.isSpace(byte), !"<>/=\"'&".utf8.contains(byte) { position += 1 }
        guard position > start, let name = String(validating: bytes[start..<position], as: UTF8.self) else {
            position = start
            throw problem("no name")
        }
        return name
    }

    private mutating func passOverAttributes() throws(Problem) {
        skipSpace()
        while let byte = current, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "/") {
            _ = try name()
            skipSpace()
            guard take("=") else { throw problem("an attribute without a value") }
            skipSpace()
            if take("\"") {
                try passOver(to: "\"")
            } else if take("'") {
                try passOver(to: "'")
            } else {
                throw problem("an attribute without a value")
            }
            skipSpace()
        }
    }

    /// One of XML's own five entities, or a character by its number.
    private mutating func reference() throws(Problem) -> Unicode.Scalar {
        if take("&lt;") { return "<" }
        if take("&gt;") { return ">" }
        if take("&amp;") { return "&" }
        if take("&quot;") { return "\"" }
        if take("&apos;") { return "'" }
        let start = position
        guard take("&#") else { throw problem("an entity that XML does not have") }
        let radix = take("x") ? 16 : 10
        var code = 0
        while let byte = current, byte != UInt8(ascii: ";") {
            guard byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < radix,
                code <= 0x10FFFF
            else { throw problem("no number of a character") }
            code = code * radix + digit
            position += 1
        }
        guard take(";"), code <= 0x10FFFF, code > 0, let scalar = Unicode.Scalar(UInt32(code)) else {
            position = start
            throw problem("no number of a character")
        }
        return scalar
    }
}

extension [UInt8] {
    /// Without the bytes at either end for which `isOut` holds.
    fileprivate func trimmed(by isOut: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        guard let first = firstIndex(where: { !isOut($0) }), let last = lastIndex(where: { !isOut($0) }) else {
            return []
        }
        return self[first...last]
    }
}

extension XMLElement {
    /// The root of `bytes`, which must be one XML text in UTF-8.
    ///
    /// Document types are refused, and with them entities of their own making, which is how small files become large
    /// ones; so are more than 64 levels.
    /// - Parameter name: what the text is, for the message.
    /// - Throws: `Failure` (data).
    package init(parsing bytes: UnsafeRawBufferPointer, name: String) throws {
        var parser = XMLParser(bytes: bytes)
        do throws(XMLParser.Problem) {
            self = try parser.document()
        } catch {
            throw Failure(
                .data, "\(name) is not valid XML (\(error.reason) at byte \(error.offset))", "copy or make it again")
        }
    }
}
