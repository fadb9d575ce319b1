import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct TarArchiveTests {
    private let fixtures = FixtureFolder("tar")
    private let sizes = [0, 1, 511, 512, 513, 1300]

    private func bytes(_ archive: TarArchive, _ name: String) throws -> [UInt8]? {
        try archive.index(of: name).map { try archive.section(at: $0).read().withBytes(Array.init) }
    }

    private func text(_ archive: TarArchive, _ name: String) throws -> String? {
        try bytes(archive, name).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: ["ustar.tar", "gnu.tar", "pax.tar"])
    func everyFormGivesNamesAndContents(file: String) throws {
        let archive = try TarArchive(path: fixtures.path(file))
        let names = [
            "a.txt", "b", "folder/c.jpg", "folder/d.jpg", "ü/" + String(repeating: "e", count: 90) + ".jpg",
            String(repeating: "f/", count: 60) + "g.jpg",
        ]
        #expect((0..<archive.count).map(archive.name(at:)) == names)
        #expect(archive.skipped == TarSkipped(directories: 1) && archive.skipped.description == nil)
        for (index, name) in names.enumerated() {
            let expected = (0..<sizes[index]).map { UInt8((index + $0) % 251) }
            #expect(try bytes(archive, name) == expected, "\(name)")
        }
        #expect(archive.index(of: "c.jpg") == nil && archive.index(of: "") == nil)
    }

    @Test func oldAndLargeHeadersAreUnderstood() throws {
        let old = try TarArchive(path: fixtures.path("v7.tar"))
        #expect(old.count == 1 && old.skipped.directories == 1)
        #expect(try text(old, "old/file") == "data")
        let base = try TarArchive(path: fixtures.path("base256.tar"))
        #expect(try text(base, "big") == "bytes" && text(base, "end") == "!")
        let pax = try TarArchive(path: fixtures.path("paxsize.tar"))
        #expect(pax.count == 1)
        #expect(try text(pax, "long") == "four")
        let sparse = try TarArchive(path: fixtures.path("sparse.tar"))
        #expect(sparse.count == 2 && sparse.skipped.others == 1)
        #expect(try text(sparse, "two") == "2")
    }

    @Test func whatLeadsOutIsCountedAndNotListed() throws {
        let archive = try TarArchive(path: fixtures.path("hostile.tar"))
        #expect((0..<archive.count).map(archive.name(at:)) == ["good.txt", "twice", "other"])
        #expect(archive.skipped == TarSkipped(links: 2, unsafeNames: 3, others: 2))
        #expect(archive.skipped.description == "2 links, 3 names that lead out of the folder, 2 special files")
        // Unpacking would leave the later one.
        #expect(try text(archive, "twice") == "second")
    }

    @Test func aTarWithinATarIsReadInItsPlace() throws {
        let outer = try TarArchive(path: fixtures.path("nested.tar"))
        #expect(outer.count == 2)
        let inner = try TarArchive(outer.section(at: 1))
        #expect(inner.name.hasSuffix("nested.tar: n01443537.tar"))
        #expect((0..<inner.count).map(inner.name(at:)) == (0..<3).map { "n01443537_\($0).JPEG" })
        #expect(try bytes(inner, "n01443537_2.JPEG") == (0..<102).map { UInt8((2 + $0) % 251) })
        #expect(inner.section(at: 2).name.hasSuffix("nested.tar: n01443537.tar: n01443537_2.JPEG"))
    }

    @Test func compressedArchivesAreNamedWithTheWayOut() throws {
        let files: [([UInt8], String, String)] = [
            ([0x1F, 0x8B, 8], "gzip", "gunzip"), (Array("BZh9".utf8), "bzip2", "bunzip2"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz", "unxz"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd", "unzstd"),
        ]
        for (bytes, tool, command) in files {
            try fixtures.withFile(bytes) { path in
                let found = failure { _ = try TarArchive(path: path) }
                #expect(found?.kind == .data && found?.what.contains("compressed with \(tool)") == true)
                #expect(found?.remedy.contains(command) == true)
            }
        }
        try fixtures.withFile(Array(repeating: 65, count: 2000)) { path in
            #expect(failure { _ = try TarArchive(path: path) }?.what == "\(path) is not a tar archive")
        }
    }

    @Test(arguments: ["gnu.tar", "pax.tar", "nested.tar"])
    func cutAnywhereIsAnError(file: String) throws {
        let bytes = try fixtures.contents(file)
        let end = bytes.count - 1024
        for count in Swift.stride(from: 0, to: end, by: 7) + [end - 512, end] {
            try fixtures.withFile(Array(bytes[..<count])) { path in
                let found = failure { _ = try TarArchive(path: path) }
                #expect(found?.kind == .data && found?.what.contains(path) == true, "\(count) bytes")
            }
        }
    }

    /// `cat one.tar two.tar` is no archive: what is behind the end mark would be lost.
    @Test func aSecondArchiveBehindTheFirstIsSaid() throws {
        let bytes = try fixtures.contents("v7.tar")
        try fixtures.withFile(bytes + bytes) { path in
            #expect(failure { _ = try TarArchive(path: path) }?.what.contains("goes on behind its end mark") == true)
        }
        try fixtures.withFile(bytes + [UInt8](repeating: 0, count: 9216)) { path in
            let padded = try TarArchive(path: path)
            #expect(padded.count == 1)
        }
    }
}
