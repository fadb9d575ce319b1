import HLTensor

/// Where the records of a file lie, and what they are, without decoding them whole.
enum StreamIndex {
    enum Summary {
        case header(StreamHeader)
        case batch(TensorLayout, count: Int)
        case end(batches: Int, samples: Int)
    }

    typealias Range = (offset: Int, size: Int)

    /// The frames with content: by the seek table where it covers the file, else from one frame header to the next.
    static func frames(_ source: FileDescriptorSource, fileSize: Int) throws -> [Range] {
        if let frames = try framesInTable(source, fileSize: fileSize) { return frames }
        return try framesInFile(source, fileSize: fileSize)
    }

    private static func framesInTable(_ source: FileDescriptorSource, fileSize: Int) throws -> [Range]? {
        guard let (start, frames) = try frames(source, inTableEndingAt: fileSize), start == 0 else { return nil }
        for frame in frames {
            guard try word(source, at: frame.offset) == ZstdFrameHeader.magic else { return nil }
        }
        return frames
    }

    /// Where the first frame of a seek table that ends at a place in the file begins, and all of them; nil where there is
    /// no table.
    private static func frames(
        _ source: FileDescriptorSource, inTableEndingAt end: Int
    ) throws -> (start: Int, frames: [Range])? {
        guard let footer = try read(source, at: end - SeekTable.footerSize, SeekTable.footerSize),
            let size = footer.withBytes(SeekTable.frameSize(footer:)),
            let bytes = try read(source, at: end - size, size),
            let table = bytes.withBytes(SeekTable.init(frame:))
        else { return nil }
        let start = end - size - table.entries.reduce(0) { $0 + Int($1.compressedSize) }
        guard start >= 0 else { return nil }
        var offset = start
        let frames = table.entries.map { entry in
            defer { offset += Int(entry.compressedSize) }
            return Range(offset, Int(entry.compressedSize))
        }
        return (start, frames)
    }

    /// Samples of a file of whole streams, one or several joined, by the end record before each seek table; nil where the
    /// source is no such file. Reads a few hundred bytes of each stream, and checks nothing.
    static func sampleCount(_ source: FileDescriptorSource) -> Int? {
        guard var end = source.fileSize, end > 0 else { return nil }
        var count = 0
        while end > 0 {
            guard let (start, frames) = try? frames(source, inTableEndingAt: end), let last = frames.last,
                case .end(_, let samples)? = try? summary(source, offset: last.offset, size: last.size, name: "")
            else { return nil }
            let (sum, overflow) = count.addingReportingOverflow(samples)
            guard samples >= 0, !overflow else { return nil }
            (count, end) = (sum, start)
        }
        return count
    }

    private static func framesInFile(_ source: FileDescriptorSource, fileSize: Int) throws -> [Range] {
        var frames: [Range] = []
        var offset = 0
        while offset < fileSize {
            guard let magic = try word(source, at: offset) else { throw ZstdProblem.truncated }
            if ZstdFrameHeader.isSkippable(magic) {
                guard let size = try word(source, at: offset + 4) else { throw ZstdProblem.truncated }
                offset += 8 + Int(size)
            } else if magic == ZstdFrameHeader.magic {
                let end = try frameEnd(source, at: offset)
                frames.append((offset, end - offset))
                offset = end
            } else if offset == 0 {
                let start = try read(source, at: 0, min(FileForm.length, fileSize))
                throw ZstdProblem.foreign(start?.withBytes(Array.init) ?? [])
            } else {
                throw ZstdProblem.damaged("no record where one begins")
            }
            if offset > fileSize { throw ZstdProblem.truncated }
        }
        return frames
    }

    /// Where the frame at `offset` ends: from block to block (RFC 8878, section 3.1.1.2).
    private static func frameEnd(_ source: FileDescriptorSource, at offset: Int) throws -> Int {
        guard let descriptor = try read(source, at: offset + 4, 1)?.withBytes({ $0[0] }) else {
            throw ZstdProblem.truncated
        }
        var position = offset + ZstdFrameHeader.size(descriptor: descriptor)
        while true {
            guard
                let block = try read(source, at: position, 3)?
                    .withBytes({ Int($0[0]) | Int($0[1]) << 8 | Int($0[2]) << 16 })
            else { throw ZstdProblem.truncated }
            let isRepeatedByte = block >> 1 & 3 == 1
            position += 3 + (isRepeatedByte ? 1 : block >> 3)
            if block & 1 != 0 { break }
        }
        return position + (descriptor & 4 != 0 ? 4 : 0)
    }

    /// What the record in one frame is. Of a batch only the beginning is decoded.
    static func summary(_ source: FileDescriptorSource, offset: Int, size: Int, name: String) throws -> Summary {
        func open() throws -> ZstdFrameReader {
            try ZstdFrameReader(
                source: FileRangeSource(source, offset: offset, count: size), bufferSize: min(size, 1 << 17) + 64)
        }
        let recordName = "a record of \(name)"
        if let (start, frame) = try open().peek(1 << 12), let content = frame.contentSize {
            let total = Int(content)
            let length = try start.withBytes { try Safetensors.headerLength($0, total: total, name: recordName) }
            let bytes = length <= start.count ? start : try open().peek(length)?.content ?? start
            // What is wrong with a record shows when it is decoded whole, below.
            let header = try? bytes.withBytes { try Safetensors.header($0, total: total, name: recordName) }
            if let header, header.metadata["hl.kind"] == "batch" {
                try StreamRecord.checkTypes(header.unread, name: name)
                let counts = Set(header.entries.map { $0.shape.first })
                guard counts.count == 1, let count = counts.first ?? nil, count <= Int(Int32.max) else {
                    throw ZstdProblem.damaged("a batch whose tensors differ in their number of rows")
                }
                return .batch(TensorLayout(header.entries), count: count)
            }
        }
        guard let content = try open().next() else { throw ZstdProblem.truncated }
        switch try StreamRecord(decoding: content, as: recordName, in: name) {
        case .header(let header): return .header(header)
        case .batch(let batch): return .batch(TensorLayout(batch.tensors), count: batch.count)
        case .end(let batches, let samples): return .end(batches: batches, samples: samples)
        }
    }

    private static func word(_ source: FileDescriptorSource, at offset: Int) throws -> UInt32? {
        try read(source, at: offset, 4)?.withBytes { UInt32(littleEndian: $0.load(as: UInt32.self)) }
    }

    /// Exactly `count` bytes; `nil` where the file has fewer.
    private static func read(_ source: FileDescriptorSource, at offset: Int, _ count: Int) throws -> HostBuffer? {
        guard offset >= 0, count >= 0, let size = source.fileSize, count <= size - offset else { return nil }
        let buffer = HostBuffer(count: count)
        var filled = 0
        while filled < count {
            let more = try source.read(into: .init(rebasing: buffer.bytes[filled...]), at: offset + filled)
            if more == 0 { return nil }
            filled += more
        }
        return buffer
    }
}

/// A part of a regular file.
final class FileRangeSource: ByteSource {
    private let source: FileDescriptorSource
    private var offset: Int
    private let end: Int

    init(_ source: FileDescriptorSource, offset: Int, count: Int) {
        self.source = source
        self.offset = offset
        end = offset + count
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = min(buffer.count, end - offset)
        if wanted == 0 { return 0 }
        let count = try source.read(into: .init(rebasing: buffer[..<wanted]), at: offset)
        offset += count
        return count
    }
}
