import HLFormats

/// Tar archives, and those within them. Half of the cases get right checksums again, so that the damage reaches what
/// reads the headers.
struct TarFormat: FuzzedFormat {
    let name = "tar"

    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) -> [UInt8] {
        var bytes = damage.applied(to: files)
        guard damage.below(2) == 0 else { return bytes }
        for start in stride(from: 0, to: bytes.count - 511, by: 512) where bytes[start + 155] == 32 {
            bytes.replaceSubrange(start + 148..<start + 156, with: repeatElement(32, count: 8))
            let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
            for digit in 0..<6 { bytes[start + 148 + digit] = UInt8(48 + sum >> (3 * (5 - digit)) & 7) }
            bytes[start + 154] = 0
        }
        return bytes
    }

    func read(path: String, thorough: Bool) throws { try read(TarArchive(path: path), level: 0) }

    private func read(_ archive: TarArchive, level: Int) throws {
        for index in 0..<archive.count {
            let name = archive.name(at: index)
            let isOut = name.hasPrefix("/") || name.split(separator: "/").contains("..")
            guard !isOut, archive.index(of: name) != nil || name.contains("\u{FFFD}") else { throw Escape(name: name) }
            let section = archive.section(at: index)
            _ = try section.read()
            if name.hasSuffix(".tar"), level < 2 { try read(TarArchive(section), level: level + 1) }
        }
    }

    /// A member that is out of its place.
    private struct Escape: Error { let name: String }
}
