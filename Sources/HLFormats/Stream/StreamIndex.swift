import HLTensor

/// Where the records of a file lie, and what they are, without decoding them whole.
enum StreamIndex {
    enum Summary {
        case header(StreamHeader)
        case batch(TensorLayout, count: Int)
        case end(batches: Int, samples: Int)
    }

    typealias Range = (offset: Int, size: Int)

    /// The records of a file in their order, and what they are.
    /// - Parameter believing: whether, in a file with a seek table, records are taken for what one before them of the same
    ///   size was, a batch: a file of a million images is opened by reading a few of them. A header may have that size
    ///   too, which the totals of the end records tell.
    static func records(
        _ source: FileDescriptorSource, fileSize: Int, name: String, believing: Bool
    ) throws -> [(place: Range, summary: Summary)] {
        if let table = try table(source, fileSize: fileSize) {
            var known: [UInt32: Summary] = [:]
            return try table.map { place, contentSize in
                if believing, let summary = known[contentSize] { return (place, summary) }
                let summary = try summary(source, offset: place.offset, size: place.size, name: name)
                if case .batch = summary { known[contentSize] = summary }
                return (place, summary)
            }
        }
        return try framesInFile(source, fileSize: fileSize).map { place in
            (place, try summary(source, offset: place.offset, size: place.size, name: name))
        }
    }

    /// Frames whose beginning is looked at before a table is believed.
    private static let probes = 4096

    /// The frames by the seek table, with the size of their content, where it covers the file.
    private static func table(
        _ source: FileDescriptorSource, fileSize: Int
    ) throws -> [(place: Range, contentSize: UInt32)]? {
        guard let (start, frames) = try frames(source, inTableEndingAt: fileSize), start == 0 else { return nil }
        for index in stride(from: 0, to: frames.count, by: max(1, frames.count / probes)) {
            guard try word(source, at: frames[index].place.offset) == ZstdFrameHeader.magic else { return nil }
        }
        return frames
    }

    /// Where the first frame of a seek table that ends at a place in the file begins, and all of them; nil where there is
    /// no table.
    private static func frames(
        _ source: FileDescriptorSource, inTableEndingAt end: Int
    ) throws -> (start: Int, frames: [(place: Range, contentSize: UInt32)])? {
        guard let footer = try source.bytes(at: end - SeekTable.footerSize, count: SeekTable.footerSize),
            let size = footer.withBytes(SeekTable.frameSize(footer:)),
            let bytes = try source.bytes(at: end - size, count: size),
            let table = bytes.withBytes(SeekTable.init(frame:))
        else { return nil }
        let start = end - size - table.entries.reduce(0) { $0 + Int($1.compressedSize) }
        guard start >= 0 else { return nil }
        var offset = start
        let frames = table.entries.map { entry in
            defer { offset += Int(entry.compressedSize) }
            return (Range(offset, Int(entry.compressedSize)), entry.contentSize)
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
                case .end(_, let samples)? = try? summary(
                    source, offset: last.place.offset, size: last.place.size, name: "")
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
                let start = try source.bytes(at: 0, count: min(FileForm.length, fileSize))
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
        guard let descriptor = try source.bytes(at: offset + 4, count: 1)?.withBytes({ $0[0] }) else {
            throw ZstdProblem.truncated
        }
        var position = offset + ZstdFrameHeader.size(descriptor: descriptor)
        while true {
            guard
                let block = try source.bytes(at: position, count: 3)?
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
        try source.bytes(at: offset, count: 4)?.withBytes { UInt32(littleEndian: $0.load(as: UInt32.self)) }
    }
}

extension FileDescriptorSource {
    /// Exactly `count` bytes of a regular file; nil where it has fewer.
    func bytes(at offset: Int, count: Int) throws -> HostBuffer? {
        guard offset >= 0, count >= 0, let size = fileSize, count <= size - offset else { return nil }
        let buffer = HostBuffer(count: count)
        var filled = 0
        while filled < count {
            let more = try read(into: .init(rebasing: buffer.bytes[filled...]), at: offset + filled)
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
