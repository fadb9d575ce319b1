import HLTensor
import Synchronization

/// A stream in a regular file, read in any order: for shuffling and for jumping ahead.
///
/// Opening it reads the beginning of every record and checks the order of records, their tensors and the totals of the
/// end records; the checksum of a record is checked when the record is decoded. Several threads may read it at a time.
package final class SeekableStream: Sendable {
    package let name: String
    /// The first header.
    package var header: StreamHeader { headers[0] }
    /// Those of all streams that are joined in it.
    package let headers: [StreamHeader]
    /// Samples in each batch record that has any.
    package let rowCounts: [Int]
    package let sampleCount: Int

    /// What each sample has: tensors by name, with their types and shapes beyond the first dimension.
    package var tensors: [String: (type: ElementType, shape: [Int])] { layout?.tensors ?? [:] }

    private struct Place {
        let offset: Int
        let size: Int
    }

    private let source: FileDescriptorSource
    private let places: [Place]
    /// The first sample of each record, and the number of samples at the end.
    private let firstSamples: [Int]
    private let layout: TensorLayout?

    private let cache: Mutex<RecordCache>
    /// Those that no thread is using.
    private let decoders = Mutex<[ZstdFrameDecoder]>([])
    /// A record that several threads want is decoded by one of them.
    private let turns = (0..<64).map { _ in Turn() }

    private final class Turn: Sendable {
        let mutex = Mutex(())
    }

    package var recordCount: Int { places.count }

    /// - Parameter cacheLimit: bytes of decoded records to keep; at least one record is kept.
    /// - Throws: `Failure`: noInput if there is no such regular file, else as `StreamReader`.
    package init(path: String, cacheLimit: Int = 1 << 28) throws {
        source = try FileDescriptorSource(path: path)
        name = path
        cache = Mutex(RecordCache(limit: cacheLimit))
        guard let size = source.fileSize else {
            throw Failure(.noInput, "\(path) cannot be read out of order", "write the stream to a file with -o")
        }
        if size == 0 { throw Failure(.data, "\(path) is empty", "make it again") }
        let contents: Contents
        do {
            contents = try Contents(of: source, fileSize: size, name: path, believing: true)
        } catch {
            // Something is damaged, or sizes that mislead: record by record it shows what and where.
            contents = try Contents(of: source, fileSize: size, name: path, believing: false)
        }
        headers = contents.headers
        places = contents.places
        layout = contents.grammar.layout
        rowCounts = contents.counts
        sampleCount = contents.grammar.samples
        firstSamples = contents.counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    }

    /// What is found when a file is opened.
    private struct Contents {
        var grammar: StreamGrammar
        var headers: [StreamHeader] = []
        var places: [Place] = []
        var counts: [Int] = []

        /// - Parameter believing: as of `StreamIndex.records`.
        init(of source: FileDescriptorSource, fileSize: Int, name: String, believing: Bool) throws {
            grammar = StreamGrammar(name: name)
            do {
                let records = try StreamIndex.records(source, fileSize: fileSize, name: name, believing: believing)
                for (place, summary) in records { try accept(summary, at: place) }
                try grammar.finish()
            } catch {
                throw grammar.explain(error)
            }
            guard !headers.isEmpty else {
                throw Failure(.data, "\(name) is not a stream (no header)", StreamGrammar.notAStream)
            }
        }

        private mutating func accept(_ summary: StreamIndex.Summary, at place: StreamIndex.Range) throws {
            switch summary {
            case .header(let header):
                try grammar.accept(header)
                headers.append(header)
            case .end(let batches, let samples): try grammar.acceptEnd(batches: batches, samples: samples)
            case .batch(let layout, let count):
                try grammar.accept(layout, count: count)
                guard count > 0 else { return }
                places.append(Place(offset: place.offset, size: place.size))
                counts.append(count)
            }
        }
    }

    /// The batch record `index`, from 0.
    /// - Throws: `Failure` (data) if it is damaged.
    package func record(at index: Int) throws -> Batch {
        guard places.indices.contains(index) else {
            throw Failure(.software, "\(name) has no record \(index)", "report this defect")
        }
        if let batch = cache.withLock({ $0[index] }) { return batch }
        return try turns[index % turns.count].mutex.withLock { _ in
            // Somebody else may have decoded it meanwhile.
            if let batch = cache.withLock({ $0[index] }) { return batch }
            let batch = try decode(index)
            cache.withLock { $0.keep(batch, at: index) }
            return batch
        }
    }

    /// The samples `sampleIndices`, counted over all records from 0, in the order given. Each record involved is
    /// decoded once, however the indices are mixed, several at a time.
    package func gather(sampleIndices: [Int], threads: Int = 1) throws -> Batch {
        var wanted: [Int: [(row: Int, position: Int)]] = [:]
        for (position, sample) in sampleIndices.enumerated() {
            guard sample >= 0 && sample < sampleCount else {
                throw Failure(.software, "\(name) has no sample \(sample)", "report this defect")
            }
            let index = recordIndex(of: sample)
            wanted[index, default: []].append((sample - firstSamples[index], position))
        }
        // Record 0 stands in for the shapes where no sample is asked for.
        let template = try record(at: wanted.keys.min() ?? 0)
        let targets = template.tensors.map { name, tensor in
            Target(name: name, rowBytes: tensor.rowSize * tensor.type.size, count: sampleIndices.count)
        }
        try forEach(wanted.sorted { $0.key < $1.key }, threads: threads) { index, rows in
            let batch = try record(at: index)
            for target in targets { batch.tensors[target.name].map { target.copy(rows, of: $0) } }
        }
        var tensors = NamedTensors()
        for ((name, tensor), target) in zip(template.tensors, targets) {
            tensors[name] = HostTensor(
                tensor.type, shape: [sampleIndices.count] + tensor.shape.dropFirst(), in: target.buffer, at: 0)
        }
        return try Batch(tensors, metadata: template.metadata)
    }

    /// One tensor of a batch that is put together.
    private struct Target: Sendable {
        let name: String
        let rowBytes: Int
        let buffer: HostBuffer

        init(name: String, rowBytes: Int, count: Int) {
            self.name = name
            self.rowBytes = rowBytes
            buffer = HostBuffer(count: count * rowBytes)
        }

        func copy(_ rows: [(row: Int, position: Int)], of tensor: HostTensor) {
            tensor.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, rowBytes > 0 else { return }
                for (row, position) in rows {
                    (buffer.pointer + position * rowBytes)
                        .copyMemory(from: start + row * rowBytes, byteCount: rowBytes)
                }
            }
        }
    }

    /// Calls `body` for some records, several at a time.
    /// - Throws: what it threw for the first of those that failed.
    private func forEach(
        _ wanted: [(key: Int, value: [(row: Int, position: Int)])], threads: Int,
        _ body: (Int, [(row: Int, position: Int)]) throws -> Void
    ) throws {
        let next = Atomic(0), failures = Mutex<[Int: any Error]>([:])
        let workers = max(1, min(threads, wanted.count))
        inParallel(workers, parts: workers) { range in
            for _ in range {
                while case let number = next.wrappingAdd(1, ordering: .relaxed).oldValue, number < wanted.count {
                    do {
                        try body(wanted[number].key, wanted[number].value)
                    } catch {
                        failures.withLock { $0[number] = error }
                        return
                    }
                }
            }
        }
        if let first = failures.withLock({ $0.min { $0.key < $1.key }?.value }) { throw first }
    }

    /// The first sample of a record.
    package func firstSample(of index: Int) -> Int { firstSamples[index] }

    /// The record that holds `sample`.
    package func recordIndex(of sample: Int) -> Int {
        var low = 0
        var high = places.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstSamples[middle] <= sample { low = middle } else { high = middle }
        }
        return low
    }

    private func decode(_ index: Int) throws -> Batch {
        let place = places[index]
        let changed = Failure(.data, "record \(index) of \(name) has changed since it was opened", "open it again")
        do {
            guard let content = try content(of: place) else { throw changed }
            let record = try StreamRecord(decoding: content, as: "record \(index) of \(name)", in: name)
            guard case .batch(let batch) = record, batch.count == rowCounts[index],
                TensorLayout(batch.tensors) == layout
            else { throw changed }
            return batch
        } catch let problem as ZstdProblem {
            let reason: String
            switch problem {
            case .damaged(let text): reason = text
            case .truncated, .foreign, .tooLarge: reason = "it is cut short"
            case .refused, .windowBeyondMemory: throw StreamGrammar(name: name).explain(problem)
            }
            throw Failure(.data, "record \(index) of \(name) is damaged (\(reason))", "copy or make it again")
        }
    }

    /// What the frame at a place holds; nil where there is another one.
    private func content(of place: Place) throws -> HostBuffer? {
        if place.size <= ZstdFrameDecoder.maximumContentSize,
            let bytes = try source.bytes(at: place.offset, count: place.size)
        {
            let decoder = try decoders.withLock { $0.popLast() } ?? ZstdFrameDecoder()
            defer { decoders.withLock { $0.append(decoder) } }
            if let content = try bytes.withBytes(decoder.content(of:)) { return content }
        }
        let frames = try ZstdFrameReader(source: FileRangeSource(source, offset: place.offset, count: place.size))
        guard let content = try frames.next(), frames.consumed == place.size else { return nil }
        return content
    }
}

/// Records that have been decoded, up to some bytes of them, and at least one; the oldest go first.
private struct RecordCache {
    private let limit: Int
    private var batches: [Int: Batch] = [:]
    /// Those in the cache from `oldest` on, in the order in which they came.
    private var order: [Int] = []
    private var oldest = 0
    private var bytes = 0

    init(limit: Int) { self.limit = limit }

    subscript(index: Int) -> Batch? { batches[index] }

    mutating func keep(_ batch: Batch, at index: Int) {
        let size = Self.byteCount(batch)
        while bytes + size > limit, oldest < order.count {
            bytes -= batches.removeValue(forKey: order[oldest]).map(Self.byteCount) ?? 0
            oldest += 1
        }
        if oldest > 1024 && oldest > order.count / 2 {
            order.removeFirst(oldest)
            oldest = 0
        }
        batches[index] = batch
        order.append(index)
        bytes += size
    }

    private static func byteCount(_ batch: Batch) -> Int { batch.tensors.reduce(0) { $0 + $1.tensor.byteCount } }
}
