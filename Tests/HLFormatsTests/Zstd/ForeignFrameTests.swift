import HLFormats
import HLTensor
import Testing

/// Frames as other writers make them: what is in order is read, and what is not is told how to be.
@Suite struct ForeignFrameTests {
    /// One raw block, with the checksum that our writer gives the same content.
    /// - Parameters:
    ///   - window: the descriptor byte of RFC 8878, section 3.1.1.1.2.
    ///   - dictionary: its id, of one byte.
    private func frame(
        _ content: [UInt8], window: UInt8, hasChecksum: Bool = true, dictionary: UInt8? = nil
    ) throws -> [UInt8] {
        let checksum = try StreamFixtures.frame(content).suffix(4)
        let descriptor: UInt8 = (hasChecksum ? 4 : 0) | (dictionary == nil ? 0 : 1)
        let block = withUnsafeBytes(of: UInt32(content.count << 3 | 1).littleEndian) { Array($0.prefix(3)) }
        return [0x28, 0xB5, 0x2F, 0xFD, descriptor, window] + (dictionary.map { [$0] } ?? []) + block + content
            + (hasChecksum ? Array(checksum) : [])
    }

    private func read(_ bytes: [UInt8]) throws -> [UInt8]? {
        try ZstdFrameReader(source: MemorySource(bytes)).next()?.withBytes(Array.init)
    }

    /// Windows of 2^n bytes; decoders stop at n = 27 unless they are told otherwise.
    @Test(arguments: [10, 20, 27, 28, 30, 31]) func largeWindowsAreRead(log: UInt8) throws {
        let content = [UInt8](1...100)
        #expect(try read(frame(content, window: (log - 10) << 3)) == content)
    }

    @Test(arguments: [(0, 1 << 10), (1, 9 << 7), (7, 15 << 7), (8, 1 << 11), (0xA8, 1 << 31), (0xFF, 15 << 38)])
    func windowsAreTold(descriptor: UInt8, size: UInt64) throws {
        let header = try frame([1], window: descriptor).withUnsafeBytes { ZstdFrameHeader($0) }
        #expect(header.windowSize == size)
        // One segment is its own window.
        let whole = try StreamFixtures.frame([UInt8](repeating: 7, count: 300)).withUnsafeBytes { ZstdFrameHeader($0) }
        #expect(whole.windowSize == 300)
    }

    @Test func largerOnesAreRefused() throws {
        let bytes = try frame([1, 2, 3], window: 22 << 3)
        #expect(throws: ZstdProblem.self) { try read(bytes) }
        expectFailure(.data, "stdin has a record with a window of more than 2 GiB: write it with a window log of 31") {
            _ = try StreamFixtures.reader(bytes)
        }
    }

    @Test func whatIsMissingIsNamed() throws {
        let plain = try frame([1, 2, 3], window: 0, hasChecksum: false)
        expectFailure(.data, "stdin has a record without a checksum: switch checksums on") {
            _ = try StreamFixtures.reader(plain)
        }
        let special = try frame([1, 2, 3], window: 0, dictionary: 7)
        expectFailure(.data, "stdin has a record that was compressed with a dictionary: write it without one") {
            _ = try StreamFixtures.reader(special)
        }
    }

    /// A whole stream in one frame, as where it was decompressed and compressed again.
    @Test func severalRecordsInOneFrame() throws {
        let reader = try ZstdFrameReader(source: MemorySource(StreamFixtures.stream([3, 4])))
        var records: [[UInt8]] = []
        while let record = try reader.next() { records.append(record.withBytes(Array.init)) }
        let all = try StreamFixtures.frame(records.flatMap { $0 })
        expectFailure(.data, "stdin has several records in one zstd frame: compress each record as a frame of its own")
        {
            _ = try StreamFixtures.reader(all)
        }
        // Also where only the batches share one, and where the file is read out of order.
        let batches =
            try records[0...].prefix(1).flatMap { try StreamFixtures.frame($0) }
            + StreamFixtures.frame(records[1] + records[2]) + StreamFixtures.frame(records[3])
        expectFailure(.data, "several records in one zstd frame") { _ = try StreamFixtures.content(batches) }
        try StreamFixtures.inFolder { folder in
            for (name, bytes) in [("all", all), ("batches", batches)] {
                let file = try OutputFile(path: "\(folder)/\(name).hls")
                try bytes.withUnsafeBytes { try file.write($0) }
                try file.commit()
                expectFailure(.data, "several records in one zstd frame") {
                    _ = try SeekableStream(path: "\(folder)/\(name).hls")
                }
            }
        }
        // What lacks its end is still damaged, not several.
        expectFailure(.data, "is not valid safetensors") {
            _ = try StreamFixtures.reader(StreamFixtures.frame(Array(records[0].dropLast())))
        }
    }
}
