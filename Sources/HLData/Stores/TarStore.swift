import HLFormats
import HLTensor

/// Images that are members of tar archives.
struct TarStore: ImageStore {
    /// A member of one of the archives.
    struct Member: Sendable {
        let archive: Int32
        let index: Int32
    }

    let archives: [TarArchive]
    let members: [Member]

    var count: Int { members.count }

    func name(at index: Int) -> String { SystemPath(section(at: index).name).shown }

    func image(at index: Int) throws -> EncodedImage { try EncodedImage(section(at: index)) }

    func describe(to content: inout ContentFingerprint) {
        for member in members { content.add(SystemPath(archives[Int(member.archive)].name(at: Int(member.index)))) }
        content.addBeginnings(of: count) { try? section(at: $0).beginning(1 << 16) }
    }

    private func section(at index: Int) -> FileSection {
        archives[Int(members[index].archive)].section(at: Int(members[index].index))
    }

    /// What of the archives is not read.
    static func omissions(of archives: [TarArchive]) -> Omissions {
        var omissions = Omissions()
        for archive in archives {
            omissions.add(
                .unsafeMember, count: archive.skipped.links + archive.skipped.unsafeNames, SystemPath(archive.name))
        }
        return omissions
    }
}
