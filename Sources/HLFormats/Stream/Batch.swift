import HLTensor

/// Samples of a stream: tensors that share their first dimension.
package struct Batch: Sendable {
    package let tensors: NamedTensors
    /// What the record says about itself beside its kind.
    package var metadata: [String: String]
    /// Samples, the first dimension of every tensor.
    package let count: Int
    /// None where the samples do not come from a stream.
    private let origin: SegmentRuns

    /// - Throws: `Failure` (data) unless there is a tensor and all have the same first dimension.
    package init(_ tensors: NamedTensors, metadata: [String: String] = [:]) throws {
        guard let first = tensors.names.first, let count = tensors[first]?.shape.first else {
            throw Failure(.data, "a batch without samples", "every tensor of a batch has one row per sample")
        }
        for (name, tensor) in tensors where tensor.shape.first != count {
            throw Failure(
                .data, "\(name) has \(tensor.shape.first ?? 0) rows where \(first) has \(count)",
                "every tensor of a batch has one row per sample")
        }
        // Far beyond any record; it keeps sums of counts from overflowing.
        guard count <= Int(Int32.max) else {
            throw Failure(.data, "a batch of \(count) samples", "use smaller batches")
        }
        self.init(tensors, metadata: metadata, count: count, SegmentRuns())
    }

    private init(_ tensors: NamedTensors, metadata: [String: String], count: Int, _ origin: SegmentRuns) {
        self.tensors = tensors
        self.metadata = metadata
        self.count = count
        self.origin = origin
    }

    // MARK: Where they come from

    /// The samples by the joined streams that they are of, in their order; none where they come from no stream.
    package var parts: [(segment: StreamSegment, rows: Range<Int>)] {
        var start = 0
        return origin.runs.map { run in
            defer { start += run.count }
            return (run.segment, start..<start + run.count)
        }
    }

    /// The same samples with other tensors.
    /// - Throws: as `init`.
    package func replacing(_ tensors: NamedTensors) throws -> Batch {
        try Batch(tensors, metadata: metadata).from(self)
    }

    /// The samples as those of a stream.
    package func from(_ segment: StreamSegment) -> Batch {
        Batch(tensors, metadata: metadata, count: count, SegmentRuns(segment, count: count))
    }

    /// The samples as those that another batch was made of, one by one.
    package func from(_ other: Batch) -> Batch {
        precondition(count == other.count)
        return Batch(tensors, metadata: metadata, count: count, other.origin)
    }

    /// I64, B.
    package var ids: HostTensor? {
        tensors["id"].flatMap { $0.type == .i64 && $0.shape.count == 1 ? $0 : nil }
    }

    /// Some of the samples; shares memory.
    package func rows(_ range: Range<Int>) -> Batch {
        Batch(tensors.mapTensors { $0.rows(range) }, metadata: metadata, count: range.count, origin.rows(range))
    }

    /// The samples `indices`, in that order; a copy.
    package func gather(_ indices: [Int]) -> Batch {
        Batch(
            tensors.mapTensors { $0.gather(indices) }, metadata: metadata, count: indices.count, origin.gather(indices))
    }

    /// Batches with the same tensors, one below the other; metadata of the first.
    /// - Throws: `Failure` (incompatible).
    package static func concatenate(_ parts: [Batch]) throws -> Batch {
        guard let first = parts.first else {
            throw Failure(.software, "no batches to put together", "report this defect")
        }
        if parts.count == 1 { return first }
        let layout = TensorLayout(first.tensors)
        for part in parts.dropFirst() where TensorLayout(part.tensors) != layout {
            throw Failure(.incompatible, "batches with different tensors", "use streams from one pipeline")
        }
        var tensors = NamedTensors()
        for name in first.tensors.names {
            tensors[name] = HostTensor.concatenate(parts.compactMap { $0.tensors[name] })
        }
        var origin = SegmentRuns()
        for run in parts.flatMap(\.origin.runs) { origin.append(run.segment, count: run.count) }
        return Batch(tensors, metadata: first.metadata, count: parts.reduce(0) { $0 + $1.count }, origin)
    }

    /// The tensor `name`, which must be there with this type and rank.
    /// - Throws: `Failure` (data) that says which program adds what is missing.
    package func require(_ name: String, _ type: ElementType, rank: Int) throws -> HostTensor {
        guard let tensor = tensors[name] else { throw Self.missing(name) }
        let (meaning, _) = Self.meaning(name)
        guard tensor.type == type && tensor.shape.count == rank else {
            throw Failure(
                .data,
                "\(name) (\(meaning)) is \(tensor.type.rawValue) of rank \(tensor.shape.count), "
                    + "not \(type.rawValue) of rank \(rank)",
                "convert it, or use a stream that hl-sample began")
        }
        return tensor
    }

    /// What to say where a tensor is not there.
    package static func missing(_ name: String) -> Failure {
        let (meaning, remedy) = meaning(name)
        return Failure(.data, "the stream has no \(name) (\(meaning))", remedy)
    }

    /// What a tensor of the stream means and how to get it.
    private static func meaning(_ name: String) -> (String, String) {
        let parts = name.split(separator: ".", maxSplits: 1)
        let isAnchor = parts.count < 2 || parts[1] == "0"
        let positives = "put hl-perturb before this program"
        switch parts.first {
        case "id": return ("sample ids", "use a stream that hl-sample began")
        case "y": return ("labels", "use a source with labels: the shapes generator or hl-sample --data")
        case "z": return ("latents", isAnchor ? "use a stream of latents from hl-sample" : positives)
        case "w": return ("mapped latents", isAnchor ? "use a generator with mapped latents" : positives)
        case "x": return ("images", "give --render to hl-sample or hl-perturb")
        case "s": return ("discriminator scores", "put hl-filter before this program")
        case "q": return ("pair weights", "put hl-filter --quality before this program")
        case "e": return ("embeddings", "put hl-encode before this program")
        default: return ("an extra tensor", "use a stream that has it")
        }
    }
}

/// Names, types and row shapes: what all batches of a stream share.
struct TensorLayout: Equatable {
    struct Row: Equatable {
        let type: ElementType
        let shape: ArraySlice<Int>
    }

    private var rows: [String: Row] = [:]

    init(_ tensors: NamedTensors) {
        for (name, tensor) in tensors { rows[name] = Row(type: tensor.type, shape: tensor.shape.dropFirst()) }
    }

    init(_ entries: [Safetensors.Entry]) {
        for entry in entries { rows[entry.name] = Row(type: entry.type, shape: entry.shape.dropFirst()) }
    }

    /// Types and shapes of a row, by name.
    var tensors: [String: (type: ElementType, shape: [Int])] { rows.mapValues { ($0.type, Array($0.shape)) } }

    /// What `other` has differently, for a message.
    func difference(from other: TensorLayout) -> String {
        for name in Set(rows.keys).union(other.rows.keys).sorted() where rows[name] != other.rows[name] {
            switch (other.rows[name], rows[name]) {
            case (nil, _): return "\(name) is new"
            case (_, nil): return "\(name) is missing"
            case (let old?, let new?): return "\(name) is \(Self.text(new)), not \(Self.text(old))"
            }
        }
        return "no difference"
    }

    private static func text(_ row: Row) -> String {
        "\(row.type.rawValue) of \((["B"] + row.shape.map(String.init)).joined(separator: "x"))"
    }
}
