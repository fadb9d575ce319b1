/// FNV-1a, 64 bits (RFC 9923): the same for the same content on every machine, whatever the pieces it comes in.
package struct StableHash: Sendable {
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    /// In hex, sixteen digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Of a text's UTF-8.
    package init(_ text: String) { add(text) }

    package mutating func add(_ text: String) {
        for byte in text.utf8 { add(UInt64(byte)) }
    }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { add(UInt64(byte)) }
    }

    /// Takes whole words in the place of bytes, for a quarter of the work on weights.
    package mutating func add(words: UnsafeBufferPointer<UInt32>) {
        for word in words { add(UInt64(word)) }
    }

    private mutating func add(_ part: UInt64) { value = (value ^ part) &* 0x100_0000_01b3 }
}
