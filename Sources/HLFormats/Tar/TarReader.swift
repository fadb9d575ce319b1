import HLTensor

/// The members of a tar archive, one after the other.
struct TarReader {
    struct Member {
        enum Kind { case file, directory, link, other }

        let kind: Kind
        let name: [UInt8]
        /// Where the contents lie in the archive; within it.
        let offset: Int
        let size: Int
    }

    private let bytes: FileSection
    private var position = 0
    /// The block that is looked at.
    private let buffer = HostBuffer(count: TarReader.block)
    /// What the headers in front of a member say about it.
    private var ahead = Ahead()

    private struct Ahead {
        var name: [UInt8]?
        var size: Int?
        var isSparse = false
        var isEmpty = true
    }

    static let block = 512
    /// Of a long name or of pax records.
    private static let maximumMetadata = 1 << 20
    /// How far behind its end mark an archive is looked at: records of tar are 10 KB and seldom more.
    private static let maximumPadding = 1 << 20

    /// - Throws: `Failure` (data) for what is no tar.
    init(_ section: FileSection) throws {
        bytes = section
        guard section.count > 0 else {
            throw Failure(.data, "\(section.name) is empty", "fetch or copy it again")
        }
        let start = try contents(at: 0, count: min(Self.block, section.count))
        if let (tool, command) = Self.compression(start) {
            throw Failure(
                .data, "\(section.name) is compressed with \(tool), so that its members cannot be found",
                "decompress it once: \(command) < FILE > FILE.tar")
        }
        let isTar = start.withUnsafeBytes { $0.count == Self.block && (Self.isEmpty($0) || TarHeader.isHeader($0)) }
        guard isTar else {
            throw Failure(.data, "\(section.name) is not a tar archive", "name a .tar file, or the folder unpacked")
        }
    }

    /// The next member, nil behind the last.
    /// - Throws: `Failure` (data) where the archive is damaged or cut.
    mutating func next() throws -> Member? {
        while true {
            guard bytes.count - position >= Self.block else {
                throw Failure(
                    .data, "\(bytes.name) ends without the end mark of a tar archive: it was cut", "fetch it again")
            }
            try bytes.read(into: buffer.bytes, at: position)
            guard
                let header = try buffer.withBytes({ block -> TarHeader? in
                    Self.isEmpty(block) ? nil : try TarHeader(block, name: bytes.name, at: position)
                })
            else {
                try checkEnd()
                return nil
            }
            position += Self.block
            if let member = try member(header) {
                ahead = Ahead()
                return member
            }
        }
    }

    /// A member; nil for a header that describes the next one.
    private mutating func member(_ header: TarHeader) throws -> Member? {
        switch header.type {
        case UInt8(ascii: "L"):
            let text = try metadata(header)
            ahead.name = Array(text.prefix { $0 != 0 })
            ahead.isEmpty = false
            return nil
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            try readRecords(try metadata(header))
            ahead.isEmpty = false
            return nil
        case UInt8(ascii: "g"), UInt8(ascii: "K"):
            // What holds for all members, such as a comment, and where links lead.
            _ = try metadata(header)
            return nil
        case UInt8(ascii: "M"):
            throw Failure(
                .data, "\(bytes.name) is a part of an archive of several volumes",
                "join them with tar --multi-volume, or unpack them")
        default: break
        }
        let name = ahead.name ?? header.name
        var kind = Self.kind(header.type)
        if kind == .file, header.type != UInt8(ascii: "7"), name.last == UInt8(ascii: "/") { kind = .directory }
        if ahead.isSparse, kind == .file { kind = .other }
        // Of these tar writes no contents, whatever the size says.
        let size = kind == .directory || kind == .link ? 0 : ahead.size ?? header.size
        if header.hasExtension { try skipExtensions() }
        let offset = position
        try advance(over: size)
        return Member(kind: kind, name: name, offset: offset, size: size)
    }

    private static func isEmpty(_ block: UnsafeRawBufferPointer) -> Bool { block.allSatisfy { $0 == 0 } }

    private static func kind(_ type: UInt8) -> Member.Kind {
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
        case UInt8(ascii: "1"), UInt8(ascii: "2"): .link
        case UInt8(ascii: "5"): .directory
        default: .other
        }
    }

    /// Nothing but zeros may follow the end mark: a second archive behind it would be lost in silence.
    private func checkEnd() throws {
        guard ahead.isEmpty else { throw damaged("its last header belongs to no member") }
        var place = position
        let end = min(bytes.count, position + Self.maximumPadding)
        while place < end {
            let piece = try contents(at: place, count: min(end - place, 1 << 16))
            guard piece.allSatisfy({ $0 == 0 }) else {
                throw Failure(
                    .data, "\(bytes.name) goes on behind its end mark at byte \(position)",
                    "name the archives one by one, or join them with tar --concatenate")
            }
            place += piece.count
        }
    }

    // MARK: Headers in front of a member

    private mutating func metadata(_ header: TarHeader) throws -> [UInt8] {
        guard header.size <= Self.maximumMetadata else {
            throw damaged("a header has \(header.size) bytes")
        }
        let offset = position
        try advance(over: header.size)
        return try contents(at: offset, count: header.size)
    }

    /// Records `LENGTH KEY=VALUE\n` of pax (POSIX.1-2001, pax Extended Header).
    private mutating func readRecords(_ text: [UInt8]) throws {
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { (48...57).contains($0) }
            guard (1...8).contains(digits.count), let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 2, length <= rest.count
            else { throw damaged("a pax record has no length") }
            let record = rest.prefix(length).dropFirst(digits.count)
            guard record.first == UInt8(ascii: " "), record.last == 10,
                let equals = record.firstIndex(of: UInt8(ascii: "="))
            else { throw damaged("a pax record is malformed") }
            let key = String(decoding: record[(record.startIndex + 1)..<equals], as: UTF8.self)
            let value = record[(equals + 1)...].dropLast()
            switch key {
            case "path": ahead.name = Array(value)
            case "size":
                guard let size = Int(String(decoding: value, as: UTF8.self)), size >= 0 else {
                    throw damaged("a pax record gives an impossible size")
                }
                ahead.size = size
            default: if key.hasPrefix("GNU.sparse.") { ahead.isSparse = true }
            }
            rest = rest.dropFirst(length)
        }
    }

    /// Of GNU's sparse files the map of the holes may go on in further blocks.
    private mutating func skipExtensions() throws {
        var goesOn = true
        while goesOn {
            let offset = position
            try advance(over: Self.block)
            goesOn = try contents(at: offset, count: Self.block)[504] != 0
        }
    }

    // MARK: Bytes

    private mutating func advance(over size: Int) throws {
        guard size <= bytes.count - position else {
            throw Failure(.data, "\(bytes.name) is cut off within a member", "fetch or copy it again")
        }
        // The last block may lack its padding; then the end mark is missing too, and that is said.
        position = min(bytes.count, position + (size + Self.block - 1) / Self.block * Self.block)
    }

    private func contents(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            try bytes.read(into: .init(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
            filled = count
        }
    }

    private func damaged(_ what: String) -> Failure {
        Failure(.data, "\(bytes.name) is a damaged tar archive (\(what))", "fetch or copy it again")
    }

    /// The tool that made a file, and how it is undone.
    private static func compression(_ start: [UInt8]) -> (tool: String, command: String)? {
        let known: [([UInt8], String, String)] = [
            ([0x1F, 0x8B], "gzip", "gunzip"), (Array("BZh".utf8), "bzip2", "bunzip2"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz", "unxz"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd", "unzstd"),
        ]
        return known.first { start.starts(with: $0.0) }.map { ($0.1, $0.2) }
    }
}
