import Foundation
import HLFormats
import Testing

/// How many samples there will be, where that is known before they are read.
struct SamplesInFileTests {
    private typealias Fixtures = StreamFixtures

    private func expected(_ bytes: [UInt8]) throws -> Int? {
        try Fixtures.inFolder { folder in
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/a.hls"))
            let reader = try StreamReader(path: folder + "/a.hls")
            let expected = reader.samplesInFile
            // Looking ahead moves nothing.
            _ = try Fixtures.ids(reader)
            return expected
        }
    }

    /// By the end records before the seek tables, of which a joined file has several.
    @Test func byTheEndOfAFile() throws {
        #expect(try expected(Fixtures.stream([4, 0, 3, 2], seekable: true)) == 9)
        #expect(try expected(Fixtures.stream([], seekable: true)) == 0)
        let joined = try (0..<3).map { try Fixtures.stream([4, 1], first: 5 * $0, seekable: true) }
        #expect(try expected(Array(joined.joined())) == 15)
    }

    /// Without its table a file says as little as a pipe.
    @Test func withoutATable() throws {
        #expect(try expected(Fixtures.stream([4, 3])) == nil)
        #expect(try expected(Fixtures.stream([4, 3]) + Fixtures.stream([2], first: 7, seekable: true)) == nil)
        let reader = try StreamReader(MemorySource(Fixtures.stream([4, 3], seekable: true)), name: "stdin")
        #expect(reader.samplesInFile == nil)
    }
}
