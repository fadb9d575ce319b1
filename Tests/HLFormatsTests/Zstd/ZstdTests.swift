import HLFormats
import HLTensor
import Testing

/// Counts what is asked of it, and fails when it is asked for more than it has: as a pipe whose writer is still there.
private final class OpenPipe: ByteSource {
    struct WouldBlock: Error {}
    var bytes: [UInt8] = []

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if bytes.isEmpty { throw WouldBlock() }
        let count = min(buffer.count, bytes.count)
        buffer.copyBytes(from: bytes.prefix(count))
        bytes.removeFirst(count)
        return count
    }
}

@Suite struct ZstdTests {
    /// Bytes that do not compress, from a small generator of their own.
    private func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }

    private func contents(_ bytes: [UInt8], piece: Int = .max) throws -> [[UInt8]] {
        let reader = try ZstdFrameReader(source: MemorySource(bytes, piece: piece))
        var contents: [[UInt8]] = []
        while let content = try reader.next() { contents.append(content.withBytes(Array.init)) }
        #expect(reader.consumed == bytes.count)
        return contents
    }

    @Test func roundTripsFramesOfEverySize() throws {
        let sizes = [0, 1, 255, 256, 257, 65_791, 65_792, 131_072, 300_000, 3_000_000]
        let originals = sizes.map(noise) + [[UInt8](repeating: 1, count: 20_000_000)]
        let stream = try originals.flatMap { try StreamFixtures.frame($0) }
        #expect(try contents(stream) == originals)
        #expect(try contents(stream, piece: 1009) == originals)
    }

    @Test func piecesMakeOneFrame() throws {
        let bytes = noise(500_000)
        let sink = MemorySink()
        let compressor = try ZstdCompressor(level: -5, sink: sink)
        for _ in 0..<2 {
            try compressor.begin(contentSize: bytes.count)
            for start in stride(from: 0, to: bytes.count, by: 77_777) {
                try bytes[start..<min(start + 77_777, bytes.count)].withUnsafeBytes { try compressor.append($0) }
            }
            _ = try compressor.end()
        }
        let frames = try contents(sink.bytes)
        #expect(frames == [bytes, bytes])
        #expect(sink.bytes.prefix(sink.bytes.count / 2) == sink.bytes.suffix(sink.bytes.count / 2))
    }

    @Test func headersTellSizeAndChecksum() throws {
        for size in [0, 255, 256, 65_791, 65_792, 1_000_000] {
            let frame = try StreamFixtures.frame([UInt8](repeating: 0, count: size))
            let header = frame.withUnsafeBytes { ZstdFrameHeader($0) }
            #expect(header.contentSize == UInt64(size) && header.hasChecksum)
        }
    }

    @Test func contentThatDoesNotMatchItsPledgeIsADefect() throws {
        let compressor = try ZstdCompressor(level: 3, sink: MemorySink())
        try compressor.begin(contentSize: 5)
        expectFailure(.software) {
            try [UInt8](repeating: 0, count: 4).withUnsafeBytes { try compressor.append($0) }
            _ = try compressor.end()
        }
    }

    @Test func returnsAFrameAsSoonAsItIsThere() throws {
        let pipe = OpenPipe()
        let reader = try ZstdFrameReader(source: pipe)
        for size in [0, 10, 200_000, 2_000_000] {
            pipe.bytes += try StreamFixtures.frame(noise(size))
            #expect(try reader.next()?.count == size)
        }
    }

    @Test func skipsSkippableFramesAnywhere() throws {
        let a = try StreamFixtures.frame([1, 2, 3])
        let b = try StreamFixtures.frame([4])
        let skip = StreamFixtures.skippable(noise(3_000_000), magic: 0x5F)
        let none = StreamFixtures.skippable([])
        #expect(try contents(skip + a + none + none + b + skip, piece: 4096) == [[1, 2, 3], [4]])
        #expect(try contents(none) == [])
        #expect(throws: ZstdProblem.truncated) { try contents(skip.dropLast()) }
    }

    @Test func everyCutIsTruncated() throws {
        let frame = try StreamFixtures.frame(noise(300))
        for count in 1..<frame.count {
            #expect(throws: ZstdProblem.truncated) { try contents(Array(frame[..<count])) }
        }
    }

    @Test func hugeClaimsTakeNoMemory() throws {
        // Single segment, content size of eight bytes, checksum.
        func frame(_ size: UInt64) -> [UInt8] {
            [0x28, 0xB5, 0x2F, 0xFD, 0xE4] + withUnsafeBytes(of: size.littleEndian, Array.init) + [0x01, 0, 0]
        }
        for size: UInt64 in [.max, 1 << 63, 1 << 31 + 1] {
            #expect(throws: ZstdProblem.tooLarge) { try contents(frame(size)) }
        }
        #expect(throws: ZstdProblem.self) { try contents(frame(1 << 31)) }
        #expect(throws: ZstdProblem.self) { try contents(frame(100)) }
    }

    @Test func foreignBytesAreNamed() throws {
        #expect(throws: ZstdProblem.foreign(Array("id,x".utf8))) { try contents(Array("id,x".utf8)) }
        #expect(throws: ZstdProblem.foreign([0x61])) { try contents([0x61]) }
        #expect(throws: ZstdProblem.truncated) { try contents([0x28, 0xB5]) }
        let frame = try StreamFixtures.frame([1])
        #expect(throws: ZstdProblem.damaged("no record where one begins")) { try contents(frame + [1, 2, 3, 4, 5]) }
    }

    @Test func neverMoreThanTheFrameSays() throws {
        // The content size of a frame of 300 bytes is in bytes 5 and 6, less 256.
        var frame = try StreamFixtures.frame(noise(300))
        frame[5] -= 1
        #expect(throws: ZstdProblem.self) { try contents(frame) }
        frame[5] += 2
        #expect(throws: ZstdProblem.self) { try contents(frame) }
    }
}
