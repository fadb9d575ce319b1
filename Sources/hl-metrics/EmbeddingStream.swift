import HLCommand
import HLCompute
import HLFormats
import HLStatistics
import HLTensor

/// A stream of embeddings, read as far as its metrics need it.
struct EmbeddingStream {
    /// For messages.
    let name: String
    private(set) var set: EmbeddingSet
    /// The view of metrics of one view.
    let view: Int
    /// Those that metrics of several views took.
    let views: [Int]
    let space: EmbeddingSpace

    /// - Parameters:
    ///   - role: such as `reference`, for messages.
    ///   - views: for metrics of several views; nil takes all that the stream has.
    ///   - wanted: what metrics need to have seen of it.
    /// - Throws: `Failure`: data for an empty stream, one without embeddings or with what is no number; incompatible for
    ///   joined streams of several encoders; and what the reader throws.
    static func read(
        path: String, role: String, view: Int, views chosen: [Int]?, needs wanted: EmbeddingNeeds,
        algebra: LinearAlgebra
    ) throws -> EmbeddingStream {
        let reader = try StreamInput.open(path: path), progress = Progress(total: reader.expectedSamples)
        let source = ReadAhead(reader)
        var needs = wanted, views: [Int] = [], accumulator: EmbeddingSet.Accumulator?
        var space = EmbeddingSpace(role: role)
        while let batch = try source.next() {
            let embeddings = try embeddings(view, of: batch)
            if accumulator == nil {
                views = needs.contains(.views) ? chosen ?? Self.views(of: batch) : [view]
                if views.count < 2 { needs.remove(.views) }
            }
            try space.add(batch, reader.header)
            let all = needs.contains(.views) ? try views.map { try Self.embeddings($0, of: batch) } : []
            if let other = all.first(where: { $0.rowSize != embeddings.rowSize }) {
                throw Failure(
                    .incompatible,
                    "embeddings of one sample have \(embeddings.rowSize) and \(other.rowSize) dimensions",
                    "embed all views with one encoder")
            }
            var current =
                accumulator
                ?? EmbeddingSet.Accumulator(
                    dimension: embeddings.rowSize, viewCount: views.count, needs: needs, algebra: algebra)
            accumulator = nil  // The only copy is the one that grows.
            current.add(embeddings, all: all)
            accumulator = current
            progress.advance(by: batch.count)
        }
        progress.finish()
        if space.hasUnnamed {
            warn("\(reader.name) does not say of all its samples which encoder their embeddings are of")
        }
        guard var accumulator else {
            throw Failure(.data, "the \(role) (\(reader.name)) has no samples", "draw some with hl-sample -n")
        }
        return EmbeddingStream(
            name: reader.name, set: accumulator.finished(), view: view, views: views, space: space)
    }

    /// Divides every feature.
    mutating func divide(by deviations: FeatureDeviations) { set = set.divided(by: deviations) }

    /// - Throws: `Failure` (incompatible) for embeddings of different length or, as far as the headers say, of two encoders.
    func requireSameSpace(as other: EmbeddingStream) throws {
        guard set.dimension == other.set.dimension else {
            throw Failure(
                .incompatible,
                "embeddings of \(name) have \(set.dimension) dimensions and those of \(other.name) \(other.set.dimension)",
                "embed both streams with one encoder")
        }
        if let own = space.fingerprint, let second = other.space.fingerprint, own != second {
            throw Failure(
                .incompatible,
                "\(name) and \(other.name) were embedded by different encoders (\(space.text) and \(other.space.text))",
                "embed both streams with one encoder")
        }
    }

    /// Views that are embedded, ascending.
    private static func views(of batch: Batch) -> [Int] {
        batch.tensors.names.compactMap { name -> Int? in
            // `e.01` is no view, and least of all view 1.
            guard name.hasPrefix("e."), let view = Int(name.dropFirst(2)), view >= 0, name == "e.\(view)" else {
                return nil
            }
            return view
        }.sorted()
    }

    private static func embeddings(_ view: Int, of batch: Batch) throws -> HostTensor {
        let name = "e.\(view)", found = views(of: batch)
        guard batch.tensors[name] != nil || found.isEmpty else {
            let list = found.map { "e.\($0)" }.joined(separator: ", ")
            throw Failure(
                .data, "the stream has no \(name) (embeddings), but \(list)",
                "choose another view, or embed it with hl-encode --view \(view)")
        }
        let embeddings = try batch.require(name, .f32, rank: 2)
        guard embeddings.shape[1] > 0 else {
            throw Failure(.data, "the embeddings have no dimensions", "make them again")
        }
        let ids = batch.ids ?? HostTensor((0..<Int64(batch.count)).map { $0 }, shape: [batch.count])
        try embeddings.requireFinite(name, ids: ids, remedy: "train the encoder anew with a lower learning rate")
        return embeddings
    }
}
