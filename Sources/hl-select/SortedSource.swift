import HLFormats
import HLTensor

/// The samples of each of the joined streams in the order of their ids. It holds one of those streams at a time.
final class SortedSource: BatchSource {
    let header: StreamHeader
    private let source: any BatchSource
    /// The first batch of the next stream.
    private var ahead: Batch?
    /// A stream and the order of its samples, of which some have come out.
    private var whole: (samples: Batch, order: [Int], next: Int)?
    private var isAtEnd = false

    /// Bytes of a batch that comes out, as hl-sample has them: who wants one sample should not have to decompress many.
    private static let batchBytes = 1 << 17

    init(_ source: any BatchSource) {
        self.source = source
        header = source.header
    }

    /// - Throws: as the source, and `Failure` (data) for samples without ids.
    func next() throws -> Batch? {
        if whole == nil && !isAtEnd { whole = try gathered() }
        guard let (samples, order, next) = whole else { return nil }
        let bytes = samples.tensors.reduce(0) { $0 + $1.1.withUnsafeBytes(\.count) } / samples.count
        let end = min(order.count, next + max(1, Self.batchBytes / max(1, bytes)))
        whole = end < order.count ? (samples, order, end) : nil
        return samples.gather(Array(order[next..<end]))
    }

    /// A stream, read to its end; nil where none is left.
    private func gathered() throws -> (samples: Batch, order: [Int], next: Int)? {
        var batches: [Batch] = []
        if let ahead { batches.append(ahead) }
        ahead = nil
        while let batch = try source.next() {
            if let first = batches.first, batch.parts.first?.segment !== first.parts.first?.segment {
                ahead = batch
                break
            }
            batches.append(batch)
        }
        isAtEnd = ahead == nil
        guard !batches.isEmpty else { return nil }
        let samples = try Batch.concatenate(batches)
        let ids = try samples.require(TensorSelection.ids, .i64, rank: 1).integers
        // Equal ids, as of several views of a sample made apart, stay in the order in which they came.
        return (samples, ids.indices.sorted { (ids[$0], $0) < (ids[$1], $1) }, 0)
    }
}
