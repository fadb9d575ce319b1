/// Regroups the samples of a source to batches of another size. Memory is shared wherever a batch lies within one
/// record; only batches across a boundary are copied.
package final class BatchRegrouper {
    package let source: any BatchSource
    private var pending: [Batch] = []
    private var pendingCount = 0

    package init(_ source: any BatchSource) { self.source = source }

    /// The next `n` samples (n > 0), fewer at the end, `nil` after it. A batch put together from several records has
    /// the metadata of the first.
    package func nextBatch(of n: Int) throws -> Batch? {
        precondition(n > 0)
        while pendingCount < n, let batch = try source.next() {
            pending.append(batch)
            pendingCount += batch.count
        }
        var parts: [Batch] = []
        var wanted = min(n, pendingCount)
        if wanted == 0 { return nil }
        pendingCount -= wanted
        while let first = pending.first, wanted > 0 {
            if first.count <= wanted {
                parts.append(first)
                pending.removeFirst()
                wanted -= first.count
            } else {
                parts.append(first.rows(0..<wanted))
                pending[0] = first.rows(wanted..<first.count)
                wanted = 0
            }
        }
        return try Batch.concatenate(parts)
    }
}
