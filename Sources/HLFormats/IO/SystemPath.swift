import HLTensor

/// A path or name as the system has it: bytes, which need not be text. Disks that an older system has written hold names
/// in Latin-1, and a `String` would not find them again.
package struct SystemPath: Sendable, Hashable {
    /// Without a zero at the end.
    package let bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }

    package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The name behind the path of its folder.
    package static func / (folder: SystemPath, name: SystemPath) -> SystemPath {
        SystemPath(bytes: folder.bytes + [UInt8(ascii: "/")] + name.bytes)
    }

    /// The path as text; what is not UTF-8 in it as `\xE9`.
    package var text: String { String(validating: bytes, as: UTF8.self) ?? escaped }

    /// The path for a message: on one line, and without anything that a terminal would act upon.
    package var shown: String { printable(text).replacing("\n", with: "\\u000a") }

    private var escaped: String {
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            if let character = String(validating: rest.prefix(length), as: UTF8.self) {
                text += character
                rest = rest.dropFirst(length)
            } else {
                let digits = String(first, radix: 16, uppercase: true)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// Calls `body` with the path as C takes it.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBufferPointer { buffer in
            try buffer.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else { preconditionFailure("a path of no bytes") }
                return try body(start)
            }
        }
    }

    /// Whether the name has one of some endings, given in lower case, whatever its own case is.
    package func hasEnding(_ endings: some Sequence<String>) -> Bool {
        endings.contains { ending in
            bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8) { byte, wanted in
                byte == wanted || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte + 32 == wanted
            }
        }
    }
}

extension SystemPath: Comparable {
    /// Byte order, as Python sorts names.
    package static func < (left: SystemPath, right: SystemPath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension Failure {
    /// What to do about an input that cannot be opened.
    package static func remedy(forPath path: String) -> String {
        path.unicodeScalars.contains("\u{FFFD}")
            ? "names on the command line have to be UTF-8: go into the folder, or make a link to it under another name"
            : "check the path and its permissions"
    }
}
