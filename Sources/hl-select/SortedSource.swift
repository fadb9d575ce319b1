import HLFormats
import HLTensor

/// The samples of each of the joined streams in the order of their ids. It holds one of those streams at a time.
final class SortedSource: BatchSource {
    let header: StreamHeader
    private let source: any BatchSource
    private var ahead: Batch?
    private var ready: [Batch] = []
    private var isAtEnd = false

    /// Samples of a batch that comes out.
    private static let batch = 1024

    init(_ source: any BatchSource) {
        self.source = source
        header = source.header
    }

    /// - Throws: as the source, and `Failure` (data) for samples without ids.
    func next() throws -> Batch? {
        if ready.isEmpty && !isAtEnd { try gather() }
        return ready.popLast()
    }

    /// Reads a stream to its end, and makes it ready from the last batch to the first.
    private func gather() throws {
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
        guard !batches.isEmpty else { return }
        let whole = try Batch.concatenate(batches)
        let ids = try whole.require(TensorSelection.ids, .i64, rank: 1).integers
        // Equal ids, as of several views of a sample made apart, stay in the order in which they came.
        let order = ids.indices.sorted { (ids[$0], $0) < (ids[$1], $1) }
        ready = stride(from: 0, to: order.count, by: Self.batch).reversed().map { start in
            whole.gather(Array(order[start..<min(start + Self.batch, order.count)]))
        }
    }
}
