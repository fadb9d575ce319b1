/// Text of others as a terminal may be given it: control characters, also those of Unicode that turn the direction of
/// what follows, become `\u001b` and the like, as JSON writes them. Line breaks stay.
package func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x0A }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar == "\n" || !isControl(scalar) {
            result.unicodeScalars.append(scalar)
        } else {
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
    }
    return result
}

/// C0, delete, C1, separators of lines and paragraphs, and marks, embeddings, overrides and isolates of direction.
private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}
