import HLFormats
import HLTensor
import Testing

/// What joined streams have of their own stays with their samples.
@Suite struct JoinedStreamTests {
    private typealias Fixtures = StreamFixtures

    private static func header(_ seed: UInt64) -> StreamHeader {
        var header = Fixtures.header()
        header.latent = ["seed": .seed(seed)]
        header.history[0] = HistoryEntry(tool: "hl-sample", version: "1", arguments: [], seed: seed)
        return header
    }

    /// Seeds 1, 2 and 3, of 4, none and 3 samples.
    private static func joined() throws -> [UInt8] {
        try Fixtures.stream([3, 1], header: header(1)) + Fixtures.stream([0], header: header(2))
            + Fixtures.stream([3], first: 4, header: header(3))
    }

    private func parts(_ batch: Batch) -> [[Int]] {
        batch.parts.map { [Int($0.segment.header.history[0].seed ?? 0), $0.rows.lowerBound, $0.rows.upperBound] }
    }

    @Test func samplesKnowTheirHeader() throws {
        let reader = try Fixtures.reader(Self.joined())
        let regrouper = BatchRegrouper(reader)
        let first = try #require(try regrouper.nextBatch(of: 6))
        #expect(parts(first) == [[1, 0, 4], [3, 4, 6]])
        #expect(parts(first.rows(1..<5)) == [[1, 0, 3], [3, 3, 4]])
        #expect(parts(first.gather([5, 0, 1, 4])) == [[3, 0, 1], [1, 1, 3], [3, 3, 4]])
        #expect(parts(try first.replacing(["id": try #require(first.ids)])) == parts(first))
        #expect(parts(try #require(try regrouper.nextBatch(of: 6))) == [[3, 0, 1]])
        #expect(try regrouper.nextBatch(of: 6) == nil)
        #expect(reader.segments.map(\.header.history[0].seed) == [1, 2, 3])
        // What no stream brought belongs to none.
        #expect(try Fixtures.batch(0, 3).parts.isEmpty)
    }

    @Test func filesHaveAllHeaders() throws {
        try Fixtures.inFolder { folder in
            try OutputFile.write(Self.joined(), to: folder + "/a.hls")
            let stream = try SeekableStream(path: folder + "/a.hls")
            #expect(stream.headers.map(\.history[0].seed) == [1, 2, 3] && stream.sampleCount == 7)
        }
    }

    /// A writer that joins writes what `cat` would.
    @Test func joiningWhileWriting() throws {
        for seekable in [false, true] {
            let sink = MemorySink()
            let writer = try StreamWriter(sink, level: -5, seekable: seekable)
            try writer.writeHeader(Self.header(1))
            try writer.write(try Fixtures.batch(0, 3))
            try writer.write(try Fixtures.batch(3, 1))
            try writer.join(Self.header(2))
            try writer.write(try Fixtures.batch(0, 0))
            try writer.join(Self.header(3))
            try writer.write(try Fixtures.batch(4, 3))
            try writer.finish()
            #expect(writer.samplesWritten == 7)
            let joined = try Self.joined()
            #expect(sink.bytes.starts(with: joined) && (sink.bytes.count == joined.count) != seekable)
            #expect(try Fixtures.content(sink.bytes) == Fixtures.content(joined))
            expectFailure(.software) { try writer.join(Self.header(4)) }
        }
    }

    @Test func historiesAreKept() throws {
        let (a, b) = (Self.header(1), Self.header(2))
        #expect(StreamHeader.history(joining: []).isEmpty)
        #expect(StreamHeader.history(joining: [a, a]) == a.history)
        let both = StreamHeader.history(joining: [a, b, a])
        #expect(both.count == 1 && both[0].tool == nil)
        let joined = try #require(both[0].json["joined"]?.array)
        #expect(joined.map { $0.array?.first?["seed"]?.integer } == [1, 2])
    }
}
