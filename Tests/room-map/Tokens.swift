/// The identifiers and signs of a Swift source, without comments and without the text of strings; what is interpolated
/// into them stays.
struct Tokens {
    private(set) var all: [String] = []
    private let source: [UInt8]
    private var position = 0

    init(_ text: String) {
        source = Array(text.utf8)
        read(until: nil)
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < source.count ? source[position + offset] : 0
    }

    private func isNext(_ text: StaticString) -> Bool {
        (0..<text.utf8CodeUnitCount).allSatisfy { byte($0) == text.utf8Start[$0] }
    }

    /// Reads to the end, or past the bracket that closes an interpolation.
    private mutating func read(until closing: UInt8?) {
        var depth = 0
        while position < source.count {
            let next = byte()
            if isNext("//") {
                while position < source.count && byte() != UInt8(ascii: "\n") { position += 1 }
            } else if isNext("/*") {
                skipComment()
            } else if next == UInt8(ascii: "\"") || (next == UInt8(ascii: "#") && isRawString) {
                readString()
            } else if Self.isLetter(next) {
                let start = position
                while Self.isLetter(byte()) || Self.isDigit(byte()) { position += 1 }
                all.append(String(decoding: source[start..<position], as: UTF8.self))
            } else if Self.isDigit(next) {
                while Self.isLetter(byte()) || Self.isDigit(byte()) { position += 1 }
            } else {
                if closing != nil {
                    if next == UInt8(ascii: "(") { depth += 1 }
                    if next == closing {
                        if depth == 0 { return position += 1 }
                        depth -= 1
                    }
                }
                if next > UInt8(ascii: " ") { all.append(String(UnicodeScalar(next))) }
                position += 1
            }
        }
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            if isNext("/*") {
                depth += 1
                position += 2
            } else if isNext("*/") {
                depth -= 1
                position += 2
            } else {
                position += 1
            }
        } while depth > 0 && position < source.count
    }

    /// Whether `#` begins a string such as `#"…"#`.
    private var isRawString: Bool {
        var offset = 0
        while byte(offset) == UInt8(ascii: "#") { offset += 1 }
        return byte(offset) == UInt8(ascii: "\"")
    }

    private mutating func readString() {
        var hashes = 0
        while byte() == UInt8(ascii: "#") {
            hashes += 1
            position += 1
        }
        let quotes = isNext("\"\"\"") ? 3 : 1
        position += quotes
        func isRun(_ sign: UInt8, _ count: Int, from offset: Int) -> Bool {
            (0..<count).allSatisfy { byte(offset + $0) == sign }
        }
        let quote = UInt8(ascii: "\""), hash = UInt8(ascii: "#")
        while position < source.count {
            if isRun(quote, quotes, from: 0) && isRun(hash, hashes, from: quotes) {
                position += quotes + hashes
                break
            }
            if byte() == UInt8(ascii: "\\") && isRun(hash, hashes, from: 1) {
                position += 1 + hashes
                if byte() == UInt8(ascii: "(") {
                    position += 1
                    read(until: UInt8(ascii: ")"))
                    continue
                }
            }
            position += 1
        }
        // Stands for the string, so that what was before and behind it do not meet.
        all.append("\"")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte >= 0x80
            || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
