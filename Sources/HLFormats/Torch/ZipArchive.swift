import HLTensor

/// The entries of a zip archive as `torch.save` and `numpy.savez` write it: stored, not compressed. Compressed ones are
/// known by their names alone.
///
/// Sizes come from the central directory, because local headers leave them to data descriptors; where a payload starts
/// follows from the local header, because its extra field holds the padding that aligns the payload. Checksums are not
/// compared: PyTorch can be told not to compute them.
struct ZipArchive {
    /// Name → payload, of those that are stored.
    private let stored: [String: ByteSlice]
    private let compressed: Set<String>

    /// Of all entries, in order.
    var names: [String] { compressed.union(stored.keys).sorted() }

    func has(_ name: String) -> Bool { stored[name] != nil || compressed.contains(name) }

    /// The payload of an entry; nil where there is none of that name.
    /// - Throws: `Failure` of kind `data` for one that is compressed.
    func payload(_ name: String) throws -> ByteSlice? {
        guard compressed.contains(name) else { return stored[name] }
        throw Failure(
            .data, "the entry \(quoted(name)) of the zip archive is compressed",
            "write it uncompressed, as torch.save and numpy.savez do")
    }

    static func isArchive(_ bytes: ByteSlice) -> Bool { bytes.integer(at: 0, as: UInt32.self) == 0x0403_4b50 }

    init(_ bytes: ByteSlice) throws {
        let directory = try Directory(of: bytes)
        var stored: [String: ByteSlice] = [:]
        var compressed: Set<String> = []
        var extents: [Range<Int>] = []
        var position = directory.start
        for _ in 0..<directory.entryCount {
            let entry = try CentralEntry(in: bytes, at: &position, before: directory.end)
            let payload = try entry.payload(in: bytes, before: directory.start)
            guard stored[entry.name] == nil, !compressed.contains(entry.name) else {
                throw damagedArchive("two entries are named \(quoted(entry.name))")
            }
            if entry.isCompressed {
                compressed.insert(entry.name)
            } else {
                stored[entry.name] = bytes.slice(at: payload.lowerBound, count: payload.count)
            }
            extents.append(entry.headerOffset..<payload.upperBound)
        }
        extents.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(extents, extents.dropFirst()) where next.lowerBound < one.upperBound {
            throw damagedArchive("entries overlap")
        }
        self.stored = stored
        self.compressed = compressed
    }

    /// The extent of the central directory, from the record at the end of the file.
    private struct Directory {
        let start: Int
        let end: Int
        let entryCount: Int

        init(of bytes: ByteSlice) throws {
            let record = try Self.endRecord(in: bytes)
            guard let disks = bytes.integer(at: record + 4, as: UInt32.self),
                var entryCount = bytes.integer(at: record + 10, as: UInt16.self).map(UInt64.init),
                var size = bytes.integer(at: record + 12, as: UInt32.self).map(UInt64.init),
                var start = bytes.integer(at: record + 16, as: UInt32.self).map(UInt64.init)
            else { throw damagedArchive("the end record is cut off") }
            guard disks == 0 || disks == .max else { throw damagedArchive("it spans several disks") }
            if entryCount == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
                guard record >= 20, bytes.integer(at: record - 20, as: UInt32.self) == 0x0706_4b50,
                    let wide = bytes.integer(at: record - 12, as: UInt64.self).flatMap(Int.init(exactly:)),
                    wide <= record - 20, bytes.integer(at: wide, as: UInt32.self) == 0x0606_4b50,
                    let wideCount = bytes.integer(at: wide + 32, as: UInt64.self),
                    let wideSize = bytes.integer(at: wide + 40, as: UInt64.self),
                    let wideStart = bytes.integer(at: wide + 48, as: UInt64.self)
                else { throw damagedArchive("the zip64 end record is missing") }
                (entryCount, size, start) = (wideCount, wideSize, wideStart)
            }
            // 46 bytes is the smallest central entry, so that the count is bounded by what is there.
            guard start <= UInt64(record), size <= UInt64(record) - start, entryCount <= size / 46 else {
                throw damagedArchive("the directory does not fit the file")
            }
            self.start = Int(start)
            end = Int(start + size)
            self.entryCount = Int(entryCount)
        }

        /// Where the end record starts: the last signature whose comment reaches exactly to the end of the file.
        private static func endRecord(in bytes: ByteSlice) throws -> Int {
            var position = bytes.count - 22
            let lowest = max(0, position - 0xFFFF)
            while position >= lowest {
                if bytes.integer(at: position, as: UInt32.self) == 0x0605_4b50,
                    let comment = bytes.integer(at: position + 20, as: UInt16.self),
                    position + 22 + Int(comment) == bytes.count
                {
                    return position
                }
                position -= 1
            }
            throw damagedArchive("its directory is missing, as when a download was cut short")
        }
    }

    private struct CentralEntry {
        let name: String
        let nameLength: Int
        let headerOffset: Int
        /// Bytes in the archive.
        let size: Int
        let isCompressed: Bool

        init(in bytes: ByteSlice, at position: inout Int, before end: Int) throws {
            guard position <= end, end - position >= 46, bytes.integer(at: position, as: UInt32.self) == 0x0201_4b50,
                let flags = bytes.integer(at: position + 8, as: UInt16.self),
                let method = bytes.integer(at: position + 10, as: UInt16.self),
                var stored = bytes.integer(at: position + 20, as: UInt32.self).map(UInt64.init),
                var unpacked = bytes.integer(at: position + 24, as: UInt32.self).map(UInt64.init),
                let nameLength = bytes.integer(at: position + 28, as: UInt16.self).map(Int.init),
                let extraLength = bytes.integer(at: position + 30, as: UInt16.self).map(Int.init),
                let commentLength = bytes.integer(at: position + 32, as: UInt16.self).map(Int.init),
                var offset = bytes.integer(at: position + 42, as: UInt32.self).map(UInt64.init),
                nameLength + extraLength + commentLength <= end - position - 46,
                let name = bytes.text(at: position + 46, count: nameLength),
                let extra = bytes.slice(at: position + 46 + nameLength, count: extraLength)
            else { throw damagedArchive("its directory is damaged") }
            try Self.widen(&unpacked, &stored, &offset, from: extra)
            guard flags & 1 == 0 else { throw damagedArchive("entry \(quoted(name)) is encrypted") }
            guard stored == unpacked || method != 0, let stored = Int(exactly: stored),
                let offset = Int(exactly: offset)
            else { throw damagedArchive("the sizes of entry \(quoted(name)) disagree") }
            self.name = name
            self.nameLength = nameLength
            headerOffset = offset
            size = stored
            isCompressed = method != 0
            position += 46 + nameLength + extraLength + commentLength
        }

        /// Takes the fields that do not fit 32 bits from the zip64 extra field, which holds just those, in this order.
        private static func widen(
            _ size: inout UInt64, _ stored: inout UInt64, _ offset: inout UInt64, from extra: ByteSlice
        ) throws {
            guard size == 0xFFFF_FFFF || stored == 0xFFFF_FFFF || offset == 0xFFFF_FFFF else { return }
            var position = 0
            while let kind = extra.integer(at: position, as: UInt16.self),
                let length = extra.integer(at: position + 2, as: UInt16.self)
            {
                if kind == 1, let field = extra.slice(at: position + 4, count: Int(length)) {
                    var place = 0
                    func take(_ value: inout UInt64) throws {
                        guard value == 0xFFFF_FFFF else { return }
                        guard let wide = field.integer(at: place, as: UInt64.self) else {
                            throw damagedArchive("a zip64 field is cut off")
                        }
                        value = wide
                        place += 8
                    }
                    try take(&size)
                    try take(&stored)
                    try take(&offset)
                    return
                }
                position += 4 + Int(length)
            }
            throw damagedArchive("a zip64 field is missing")
        }

        /// The range of the file that holds the entry's contents.
        func payload(in bytes: ByteSlice, before directory: Int) throws -> Range<Int> {
            guard headerOffset <= directory, directory - headerOffset >= 30,
                bytes.integer(at: headerOffset, as: UInt32.self) == 0x0403_4b50,
                let localName = bytes.integer(at: headerOffset + 26, as: UInt16.self).map(Int.init),
                let localExtra = bytes.integer(at: headerOffset + 28, as: UInt16.self).map(Int.init),
                localName == nameLength, bytes.text(at: headerOffset + 30, count: localName) == name
            else { throw damagedArchive("the header of entry \(quoted(name)) is damaged") }
            let start = headerOffset + 30 + localName + localExtra
            guard start <= directory, size <= directory - start else {
                throw damagedArchive("entry \(quoted(name)) reaches beyond its place")
            }
            return start..<(start + size)
        }
    }
}

private func damagedArchive(_ what: String) -> Failure {
    Failure(.data, "the zip archive cannot be read, \(what)", "fetch or save the file again")
}

/// A name from a foreign file, fit for one line of a message.
func quoted(_ name: String) -> String {
    let shown = String(name.unicodeScalars.prefix(80).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
    return "'\(shown)\(name.unicodeScalars.count > 80 ? "…" : "")'"
}
