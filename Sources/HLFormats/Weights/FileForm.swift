import HLTensor

/// What a file is, as its first bytes say, whatever its name: a form that some program reads, or one that is often found
/// in its place.
package struct FileForm: Sendable, Equatable {
    /// Forms that a program reads, and all others.
    package enum Kind: Sendable {
        case empty
        case safetensors
        /// Of torch.save or numpy.savez, which its directory tells.
        case zip
        case pickle
        case npy
        /// A stream of ours, or another file that zstd compressed.
        case zstd
        /// Known, and read by no program.
        case foreign
        case unknown
    }

    package let kind: Kind
    /// `a web page (HTML)`; of an unknown file what it begins with.
    private let title: String
    /// What to do about it whatever was wanted; nil where that depends on who wanted it.
    private let wayOut: String?

    /// So many first bytes are looked at.
    package static let length = 512

    private init(_ kind: Kind, _ title: String, _ wayOut: String? = nil) {
        self.kind = kind
        self.title = title
        self.wayOut = wayOut
    }

    /// - Parameter start: the first bytes of a file, `length` of them or all.
    package init(_ start: some Collection<UInt8>) {
        let bytes = Array(start.prefix(Self.length))
        self =
            bytes.isEmpty
            ? FileForm(.empty, "empty", "fetch or make it again")
            : Self.ours(bytes) ?? Self.binary(bytes) ?? Self.text(bytes) ?? FileForm(.unknown, Self.beginning(bytes))
    }

    /// The refusal of a file that is this and not what was wanted.
    /// - Parameters:
    ///   - name: of the file.
    ///   - wanted: `an encoder`.
    ///   - remedy: where the form itself names no way out.
    package func refusal(
        of name: String, wanted: String, remedy: String, kind failure: Failure.Kind = .data
    ) -> Failure {
        let what =
            switch kind {
            case .empty: "\(name) is empty"
            case .unknown: "\(name) is not \(wanted) (it starts with \(title))"
            default: "\(name) is \(title), not \(wanted)"
            }
        return Failure(failure, what, wayOut ?? remedy)
    }

    // MARK: Forms

    /// Bytes of JSON that safetensors may begin with, as its library has it.
    package static let maximumHeaderLength = 100_000_000

    private static func ours(_ bytes: [UInt8]) -> FileForm? {
        // The length that safetensors begin with can look like the beginning of a pickle; its JSON settles it.
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {
            let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if length <= UInt64(maximumHeaderLength) {
                return FileForm(.safetensors, "a safetensors file")
            }
        }
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6]) {
            return FileForm(.zip, "a zip archive, as torch.save and numpy.savez write")
        }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return FileForm(.npy, "a NumPy array (.npy)") }
        if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return FileForm(.zstd, "a stream (zstd)") }
        if bytes[0] == 0x80 { return FileForm(.pickle, "a pickle, as of torch.save or pickle.dump") }
        return nil
    }

    /// First bytes, what they stand for, and the way out.
    private static let signatures: [(bytes: [UInt8], title: String, wayOut: String?)] = [
        ([0x1F, 0x8B], "compressed by gzip", "unpack it with gunzip and name what comes out"),
        (Array("BZh".utf8), "compressed by bzip2", "unpack it with bunzip2 and name what comes out"),
        ([0xFD] + Array("7zXZ".utf8) + [0], "compressed by xz", "unpack it with unxz and name what comes out"),
        ([0x04, 0x22, 0x4D, 0x18], "compressed by lz4", "unpack it with unlz4 and name what comes out"),
        (Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", "unpack it and name what is in it"),
        (Array("Rar!".utf8), "a RAR archive", "unpack it and name what is in it"),
        ([0x89] + Array("HDF".utf8), "an HDF5 file", nil),
        ([0x89] + Array("PNG".utf8), "a PNG picture", nil),
        ([0xFF, 0xD8, 0xFF], "a JPEG picture", nil),
        (Array("GIF8".utf8), "a GIF picture", nil),
        (Array("%PDF".utf8), "a PDF document", nil),
        (Array("GGUF".utf8), "a GGUF file", nil),
        ([0x7F] + Array("ELF".utf8), "a program", nil),
        (Array("MATLAB 5.0".utf8), "a MATLAB file", nil),
    ]

    private static func binary(_ bytes: [UInt8]) -> FileForm? {
        if let known = signatures.first(where: { bytes.starts(with: $0.bytes) }) {
            return FileForm(.foreign, known.title, known.wayOut)
        }
        if bytes.dropFirst(257).starts(with: "ustar".utf8) {
            return FileForm(.foreign, "a tar archive", "unpack it with tar -xf and name what is in it")
        }
        // The version of the format and the producer's name, as protocol buffers.
        if bytes.count > 4, bytes[0] == 8, bytes[2] == 0x12, bytes[1] < 32 {
            return FileForm(.foreign, "a model in the form of ONNX", nil)
        }
        if bytes.count >= 16, bytes.allSatisfy({ $0 == 0 }) {
            return FileForm(
                .foreign, "nothing but zeros where it begins", "fetch it again: a download was cut short or not begun")
        }
        return nil
    }

    private static func text(_ bytes: [UInt8]) -> FileForm? {
        // Without a mark of byte order and space in front.
        let marked = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        let trimmed = marked.drop { $0 == 0x20 || (9...13).contains($0) }
        let text = String(decoding: trimmed, as: UTF8.self).lowercased()
        if text.hasPrefix("version https://git-lfs.github.com/spec/") {
            return FileForm(
                .foreign, "a Git LFS pointer in place of the file itself",
                "run 'git lfs pull' in its repository, or download the file itself")
        }
        if ["<!doctype html", "<html", "<head", "<script"].contains(where: text.hasPrefix) {
            return FileForm(
                .foreign, "a web page (HTML)",
                "look at it in a browser, where it says why there is no file, and download the file itself")
        }
        if text.hasPrefix("<?xml") || text.hasPrefix("<error") {
            return FileForm(
                .foreign, "an XML document, such as the error message of a server", "download the file itself")
        }
        guard let first = text.first, first == "{" || first == "[", text.allSatisfy({ $0 != "\0" }) else { return nil }
        if text.contains("\"weight_map\"") || text.contains("\"total_size\"") {
            return FileForm(
                .foreign, "the index of weights that lie in several files (JSON)",
                "load these together in Python and save them as one file")
        }
        return FileForm(.foreign, "a JSON document")
    }

    /// `the text "…"` or `the bytes …`.
    private static func beginning(_ bytes: [UInt8]) -> String {
        let line = bytes.prefix(32).prefix { $0 != 0x0A && $0 != 0x0D }
        if !line.isEmpty && line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) {
            let text = String(decoding: line.map { $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
            return "the text \"\(text)\""
        }
        let digits = bytes.prefix(4).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        return "the bytes \(digits.joined(separator: " "))"
    }
}

extension ByteSlice {
    /// What these bytes are a file of.
    var form: FileForm { withUnsafeBytes { FileForm($0.prefix(FileForm.length)) } }
}

/// Which part a file is of weights that lie in several, as its name says: `model-00001-of-00002.safetensors`.
/// - Returns: `part 1 of 2`; nil where the name does not say so.
package func shard(inName path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    guard let match = name.firstMatch(of: /-0*([0-9]+)-of-0*([0-9]+)\./), match.2 != "1" else { return nil }
    return "part \(match.1) of \(match.2)"
}
