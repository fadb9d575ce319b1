import Foundation
import HLFormats
import HLTensor
import Testing

@Suite struct SeekableTests {
    private typealias Fixtures = StreamFixtures

    private func open<Result>(_ bytes: [UInt8], cacheLimit: Int = 1 << 20, _ body: (SeekableStream) throws -> Result)
        throws -> Result
    {
        try Fixtures.inFolder { folder in
            let path = folder + "/a.hls"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return try body(try SeekableStream(path: path, cacheLimit: cacheLimit))
        }
    }

    private func expectWhole(_ bytes: [UInt8]) throws {
        for limit in [0, 200, 1 << 20] {
            try open(bytes, cacheLimit: limit) { stream in
                #expect(stream.rowCounts == [4, 3, 2] && stream.sampleCount == 9 && stream.recordCount == 3)
                #expect(stream.header.generator?["name"] == "shapes")
                for (index, first) in [(2, 7), (0, 0), (1, 4), (0, 0)] {
                    let batch = try stream.record(at: index)
                    let expected = try Fixtures.batch(first, stream.rowCounts[index])
                    #expect(Fixtures.describe(batch) == Fixtures.describe(expected))
                }
                let indices = [8, 0, 3, 4, 4, 6, 7, 1]
                let batch = try stream.gather(sampleIndices: indices)
                let expected = try Fixtures.batch(0, 9).gather(indices)
                for (name, tensor) in expected.tensors {
                    #expect(batch.tensors[name]?.shape == tensor.shape)
                    #expect(
                        batch.tensors[name]?.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init))
                }
                #expect(try stream.gather(sampleIndices: []).count == 0)
                #expect((0..<9).map(stream.recordIndex(of:)) == [0, 0, 0, 0, 1, 1, 1, 2, 2])
                expectFailure(.software) { _ = try stream.gather(sampleIndices: [9]) }
                expectFailure(.software) { _ = try stream.record(at: 3) }
            }
        }
    }

    @Test func byItsTable() throws { try expectWhole(Fixtures.stream([4, 0, 3, 2], seekable: true)) }

    @Test func withoutATable() throws {
        try expectWhole(Fixtures.stream([4, 3, 2]))
        let skip = Fixtures.skippable([1, 2, 3])
        try expectWhole(skip + Fixtures.stream([4, 3, 2]) + skip)
    }

    @Test func joinedFilesIgnoreTheTableOfTheLast() throws {
        try expectWhole(
            Fixtures.stream([4], seekable: true) + Fixtures.stream([3, 2], first: 4, seekable: true))
    }

    @Test func aTableThatLiesIsIgnored() throws {
        let plain = try Fixtures.stream([4, 3, 2])
        var table = SeekTable()
        table.entries = [.init(compressedSize: UInt32(plain.count - 50), contentSize: 10)]
        table.entries.append(.init(compressedSize: 50, contentSize: 10))
        try expectWhole(plain + table.frame)
    }

    /// A table says how large records are, and not what.
    @Test func aHeaderAsLargeAsABatch() throws {
        func sizes(_ bytes: [UInt8]) throws -> [Int] {
            let reader = try ZstdFrameReader(source: MemorySource(bytes))
            return try (0..<2).map { _ in try #require(try reader.next()).count }
        }
        func header(_ note: Int) -> StreamHeader {
            var header = Fixtures.header()
            header.metadata["x.note"] = String(repeating: "n", count: note)
            return header
        }
        let batch = try sizes(Fixtures.stream([40]))[1]
        let note = try #require(
            try (0..<batch).first { try sizes(Fixtures.stream([1], header: header($0)))[0] == batch })
        let sink = MemorySink()
        let writer = try StreamWriter(sink, level: -5, seekable: true)
        try writer.writeHeader(Fixtures.header())
        try writer.write(Fixtures.batch(0, 40))
        try writer.join(header(note))
        try writer.write(Fixtures.batch(40, 3))
        try writer.finish()
        try open(sink.bytes) { stream in
            #expect(stream.headers.count == 2 && stream.rowCounts == [40, 3])
            let (last, expected) = (try stream.record(at: 1), try Fixtures.batch(40, 3))
            #expect(Fixtures.describe(last) == Fixtures.describe(expected))
        }
    }

    @Test func theTableIsInTheOfficialFormat() throws {
        let bytes = try Fixtures.stream([4, 3], seekable: true)
        let plain = try Fixtures.stream([4, 3])
        let table = Array(bytes.dropFirst(plain.count))
        // Four frames: header, two batches, end.
        #expect(Array(table[..<8]) == [0x5E, 0x2A, 0x4D, 0x18, 4 * 8 + 9, 0, 0, 0])
        #expect(Array(table.suffix(9)) == [4, 0, 0, 0, 0, 0xB1, 0xEA, 0x92, 0x8F])
        func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(table[at + $1]) << (8 * $1) } }
        var offset = 0
        for entry in 0..<4 {
            #expect(Array(plain[offset..<offset + 4]) == [0x28, 0xB5, 0x2F, 0xFD])
            let frame = Array(plain[offset..<offset + word(8 + entry * 8)])
            let reader = try ZstdFrameReader(source: MemorySource(frame))
            #expect(try reader.next()?.count == word(12 + entry * 8))
            #expect(reader.consumed == frame.count)
            offset += frame.count
        }
        #expect(offset == plain.count)
        // Entries with checksums are read too.
        var withChecksums: [UInt8] = Array(table[..<4]) + [4 * 12 + 9, 0, 0, 0]
        for entry in 0..<4 { withChecksums += table[(8 + entry * 8)..<(16 + entry * 8)] + [1, 2, 3, 4] }
        withChecksums += [4, 0, 0, 0, 0x80] + table.suffix(4)
        let read = withChecksums.withUnsafeBytes { SeekTable(frame: $0) }
        #expect(read?.frame == table)
    }

    @Test func largeHeadersAndRecords() throws {
        // Headers longer than what is looked at first, and records of several blocks.
        let sink = MemorySink()
        let writer = try StreamWriter(sink, level: 3, seekable: true)
        try writer.writeHeader(Fixtures.header())
        for first in [0, 2] {
            let images = HostTensor(.f32, shape: [2, 3, 200, 200]) { bytes in
                let values = bytes.bindMemory(to: Float.self)
                for index in values.indices { values[index] = Float(first) + Float(index) / 7 }
            }
            let batch = try Batch(
                ["x.0": images], metadata: ["note": String(repeating: "ab", count: 20_000)])
            try writer.write(batch)
        }
        try writer.finish()
        try open(sink.bytes) { stream in
            #expect(stream.rowCounts == [2, 2])
            let batch = try stream.gather(sampleIndices: [3, 0])
            let image = try batch.require("x.0", .f32, rank: 4)
            #expect(image.floats[0] == 2 + Float(120_000) / 7 && image.floats[120_000] == 0)
        }
    }

    @Test func everyCutIsAFailure() throws {
        let whole = try Fixtures.stream([2, 1], seekable: true)
        let plain = try Fixtures.stream([2, 1]).count
        try Fixtures.inFolder { folder in
            let path = folder + "/a.hls"
            for count in whole.indices where count != plain {
                try Data(whole[..<count]).write(to: URL(fileURLWithPath: path))
                expectFailure(.data) { _ = try SeekableStream(path: path) }
            }
        }
    }

    @Test func everyFlippedBitIsAFailureOrHarmless() throws {
        let whole = try Fixtures.stream([2, 1], seekable: true)
        try Fixtures.inFolder { folder in
            let path = folder + "/a.hls"
            func content() throws -> [String] {
                let stream = try SeekableStream(path: path)
                return try [Fixtures.describe(stream.header)]
                    + (0..<stream.recordCount).map { Fixtures.describe(try stream.record(at: $0)) }
            }
            try Data(whole).write(to: URL(fileURLWithPath: path))
            let original = try content()
            for position in 0..<whole.count * 8 {
                var bytes = whole
                bytes[position / 8] ^= 1 << (position % 8)
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                do {
                    let read = try content()
                    #expect(read == original, "bit \(position)")
                } catch is Failure {}
            }
        }
    }

    @Test func onlyRegularFiles() throws {
        expectFailure(.noInput, "out of order") { _ = try SeekableStream(path: "/dev/null") }
        expectFailure(.noInput) { _ = try SeekableStream(path: "/nonexistent.hls") }
        expectFailure(.data, "is empty") { try open([]) { _ in } }
        expectFailure(.data, "not a stream") { try open(Array("text\n".utf8)) { _ in } }
    }
}
