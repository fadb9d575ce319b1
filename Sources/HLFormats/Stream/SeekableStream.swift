import HLTensor

/// A stream in a regular file, read in any order: for shuffling and for jumping ahead.
///
/// Opening it reads the beginning of every record and checks the order of records, their tensors and the totals of the
/// end records; the checksum of a record is checked when the record is decoded.
package final class SeekableStream {
    package let name: String
    /// The first header.
    package var header: StreamHeader { headers[0] }
    /// Those of all streams that are joined in it.
    package let headers: [StreamHeader]
    /// Samples in each batch record that has any.
    package let rowCounts: [Int]
    package let sampleCount: Int

    private struct Place {
        let offset: Int
        let size: Int
    }

    private let source: FileDescriptorSource
    private let places: [Place]
    /// The first sample of each record, and the number of samples at the end.
    private let firstSamples: [Int]
    private let layout: TensorLayout?

    private let cacheLimit: Int
    private var cache: [Int: Batch] = [:]
    /// The records in the cache, the one used last at the end.
    private var recent: [Int] = []
    private var cachedBytes = 0

    package var recordCount: Int { places.count }

    /// - Parameter cacheLimit: bytes of decoded records to keep; at least one record is kept.
    /// - Throws: `Failure`: noInput if there is no such regular file, else as `StreamReader`.
    package init(path: String, cacheLimit: Int = 1 << 28) throws {
        source = try FileDescriptorSource(path: path)
        name = path
        self.cacheLimit = cacheLimit
        guard let size = source.fileSize else {
            throw Failure(.noInput, "\(path) cannot be read out of order", "write the stream to a file with -o")
        }
        if size == 0 { throw Failure(.data, "\(path) is empty", "make it again") }
        var grammar = StreamGrammar(name: path)
        var headers: [StreamHeader] = []
        var places: [Place] = []
        var counts: [Int] = []
        do {
            for (offset, size) in try StreamIndex.frames(source, fileSize: size) {
                switch try StreamIndex.summary(source, offset: offset, size: size, name: path) {
                case .header(let header):
                    try grammar.accept(header)
                    headers.append(header)
                case .end(let batches, let samples): try grammar.acceptEnd(batches: batches, samples: samples)
                case .batch(let layout, let count):
                    try grammar.accept(layout, count: count)
                    if count > 0 {
                        places.append(Place(offset: offset, size: size))
                        counts.append(count)
                    }
                }
            }
            try grammar.finish()
        } catch {
            throw grammar.explain(error)
        }
        guard !headers.isEmpty else {
            throw Failure(.data, "\(path) is not a stream (no header)", StreamGrammar.notAStream)
        }
        self.headers = headers
        self.places = places
        layout = grammar.layout
        rowCounts = counts
        sampleCount = grammar.samples
        firstSamples = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    }

    /// The batch record `index`, from 0.
    /// - Throws: `Failure` (data) if it is damaged.
    package func record(at index: Int) throws -> Batch {
        guard places.indices.contains(index) else {
            throw Failure(.software, "\(name) has no record \(index)", "report this defect")
        }
        if let batch = cache[index] {
            recent.removeAll { $0 == index }
            recent.append(index)
            return batch
        }
        let batch = try decode(index)
        let size = Self.byteCount(batch)
        while cachedBytes + size > cacheLimit, let oldest = recent.first {
            recent.removeFirst()
            cachedBytes -= cache.removeValue(forKey: oldest).map(Self.byteCount) ?? 0
        }
        cache[index] = batch
        recent.append(index)
        cachedBytes += size
        return batch
    }

    /// The samples `sampleIndices`, counted over all records from 0, in the order given. Each record involved is
    /// decoded once, however the indices are mixed.
    package func gather(sampleIndices: [Int]) throws -> Batch {
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
        var targets: [HostBuffer] = []
        for (_, tensor) in template.tensors {
            targets.append(HostBuffer(count: sampleIndices.count * tensor.rowSize * tensor.type.size))
        }
        for index in wanted.keys.sorted() {
            let batch = try record(at: index)
            for (name, target) in zip(template.tensors.names, targets) {
                guard let tensor = batch.tensors[name] else { continue }
                let stride = tensor.rowSize * tensor.type.size
                tensor.withUnsafeBytes { bytes in
                    guard let start = bytes.baseAddress, stride > 0 else { return }
                    for (row, position) in wanted[index] ?? [] {
                        (target.pointer + position * stride)
                            .copyMemory(from: start + row * stride, byteCount: stride)
                    }
                }
            }
        }
        var tensors = NamedTensors()
        for ((name, tensor), target) in zip(template.tensors, targets) {
            tensors[name] = HostTensor(
                tensor.type, shape: [sampleIndices.count] + tensor.shape.dropFirst(), in: target, at: 0)
        }
        return try Batch(tensors, metadata: template.metadata)
    }

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

    private static func byteCount(_ batch: Batch) -> Int { batch.tensors.reduce(0) { $0 + $1.tensor.byteCount } }

    private func decode(_ index: Int) throws -> Batch {
        let place = places[index]
        let changed = Failure(.data, "record \(index) of \(name) has changed since it was opened", "open it again")
        do {
            let range = FileRangeSource(source, offset: place.offset, count: place.size)
            let frames = try ZstdFrameReader(source: range)
            guard let content = try frames.next() else { throw changed }
            let record = try StreamRecord(decoding: content, as: "record \(index) of \(name)", in: name)
            guard case .batch(let batch) = record, batch.count == rowCounts[index],
                TensorLayout(batch.tensors) == layout, frames.consumed == place.size
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
}
