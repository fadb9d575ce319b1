import HLTensor

/// The regular files in a tar archive (old v7, ustar, GNU, pax), read where they lie. Nothing is unpacked; a member that
/// is itself a tar is opened in its place by `TarArchive(archive.section(at: index))`.
///
/// Some 50 bytes of memory a member. Names are as unpacking would make them, without `./`; of two members with one name
/// the later counts, at the place of the first. Links are not followed; they, directories, devices, sparse files and
/// names that lead out of the folder (absolute, or with `..`) are left out and counted in ``skipped``.
package struct TarArchive: Sendable {
    /// For messages: the path, or path and member.
    package let name: String
    /// What the archive holds besides.
    package private(set) var skipped = TarSkipped()

    private let bytes: FileSection
    private var members: [Member] = []
    /// All names, one behind the other.
    private var names: [UInt8] = []
    /// Members by the hash of their name; open addressing, at most half full. 0 is empty, else one more than the index.
    private var table: [UInt32] = [0, 0, 0, 0]

    private struct Member {
        var offset: Int
        var size: Int
        let nameStart: Int
    }

    /// - Throws: `Failure`: noInput for a file that cannot be opened; data for one that is no complete tar, or is
    ///   compressed.
    package init(path: String) throws { try self.init(PositionedFile(path: path).section) }

    /// The archive within a file, such as a member of another archive.
    package init(_ section: FileSection) throws {
        name = section.name
        bytes = section
        var reader = try TarReader(section)
        while let member = try reader.next() {
            guard members.count < Int(UInt32.max) / 4 else {
                throw Failure(.data, "\(section.name) has more members than can be counted", "split it")
            }
            switch member.kind {
            case .file:
                if let path = Self.path(member.name) {
                    add(path, offset: member.offset, size: member.size)
                } else {
                    skipped.unsafeNames += 1
                }
            case .directory: skipped.directories += 1
            case .link: skipped.links += 1
            case .other: skipped.others += 1
            }
        }
    }

    package var count: Int { members.count }

    /// The name of member `index`, in the order of the archive; bytes that are no UTF-8 are replaced.
    package func name(at index: Int) -> String { String(decoding: nameBytes(index), as: UTF8.self) }

    /// The bytes of member `index`, not yet read.
    package func section(at index: Int) -> FileSection {
        let member = members[index]
        guard let part = bytes.section(at: member.offset, count: member.size, name: "\(name): \(name(at: index))")
        else { preconditionFailure("the reader has checked that members lie within the archive") }
        return part
    }

    /// Which member has a name; nil where none has.
    package func index(of name: String) -> Int? {
        var name = name
        return name.withUTF8 { bytes in
            var slot = Self.hash(UnsafeRawBufferPointer(bytes)) & (table.count - 1)
            while table[slot] != 0 {
                let index = Int(table[slot]) - 1
                if nameBytes(index).elementsEqual(bytes) { return index }
                slot = (slot + 1) & (table.count - 1)
            }
            return nil
        }
    }

    // MARK: Names

    private func nameBytes(_ index: Int) -> ArraySlice<UInt8> {
        names[members[index].nameStart..<(index + 1 < members.count ? members[index + 1].nameStart : names.count)]
    }

    /// A name without empty and `.` components; nil where it leads out of the folder or nowhere.
    private static func path(_ name: [UInt8]) -> [UInt8]? {
        let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
        guard name.first != slash, !name.contains(0) else { return nil }
        // Most have nothing to leave out.
        if !name.isEmpty, name.first != dot, !name.contains(slash) { return name }
        let parts = name.split(separator: slash).filter { $0.count != 1 || $0.first != dot }
        guard !parts.isEmpty, parts.allSatisfy({ $0.count != 2 || !$0.allSatisfy { $0 == dot } }) else { return nil }
        return Array(parts.joined(separator: [slash]))
    }

    private mutating func add(_ path: [UInt8], offset: Int, size: Int) {
        if 2 * (members.count + 1) > table.count { grow() }
        var slot = path.withUnsafeBytes(Self.hash) & (table.count - 1)
        while table[slot] != 0 {
            let index = Int(table[slot]) - 1
            if nameBytes(index).elementsEqual(path) {
                members[index].offset = offset
                members[index].size = size
                return
            }
            slot = (slot + 1) & (table.count - 1)
        }
        members.append(Member(offset: offset, size: size, nameStart: names.count))
        names += path
        table[slot] = UInt32(members.count)
    }

    private mutating func grow() {
        var larger = [UInt32](repeating: 0, count: 2 * table.count)
        for index in members.indices {
            let hash = nameBytes(index).withUnsafeBytes(Self.hash)
            var slot = hash & (larger.count - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
            larger[slot] = UInt32(index + 1)
        }
        table = larger
    }

    /// Keyed anew in every process, so that no archive can be made whose names collide.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize() & Int.max
    }
}

/// What an archive holds besides regular files of its folder.
package struct TarSkipped: Sendable, Equatable {
    package var directories: Int
    /// Hard and symbolic ones.
    package var links: Int
    /// Absolute, with `..`, or empty.
    package var unsafeNames: Int
    /// Devices, pipes, sparse files and what else there may be.
    package var others: Int

    package init(directories: Int = 0, links: Int = 0, unsafeNames: Int = 0, others: Int = 0) {
        self.directories = directories
        self.links = links
        self.unsafeNames = unsafeNames
        self.others = others
    }

    /// What a user may miss, such as `2 links`; nil where there is nothing but directories.
    package var description: String? {
        let parts = [(links, "links"), (unsafeNames, "names that lead out of the folder"), (others, "special files")]
            .filter { $0.0 > 0 }
        return parts.isEmpty ? nil : parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
