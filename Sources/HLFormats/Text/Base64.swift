/// Base64 of RFC 4648, with padding and without line breaks.
package enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { target, count in
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let left = bytes.count - start
                let b = left > 1 ? bytes[start + 1] : 0, c = left > 2 ? bytes[start + 2] : 0
                let word = Int(bytes[start]) << 16 | Int(b) << 8 | Int(c)
                for place in 0..<4 {
                    // Three bytes make four letters, two make three, one makes two.
                    target[count + place] = place > left ? UInt8(ascii: "=") : letters[word >> (18 - 6 * place) & 63]
                }
                count += 4
            }
        }
    }
}
