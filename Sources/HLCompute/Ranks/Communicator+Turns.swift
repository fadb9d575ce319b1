import HLTensor

/// What the ranks have of a sequence that they take in turns: rank r of K has the samples r, r + K, r + 2K, …, as hl-sample
/// --shard mpi gives them.
extension Communicator {
    /// How many of the first `total` are this rank's.
    package func share(of total: Int) -> Int { (total - rank + count - 1) / count }

    /// A word of each of the first `total`, in their order, on all ranks.
    /// - Parameter own: this rank's, `share(of: total)` of them.
    package func inOrder(_ own: [UInt64], of total: Int) -> [UInt64] {
        precondition(own.count == share(of: total))
        // Some ranks have one less than others.
        let most = (total + count - 1) / count
        let all = gather(own + [UInt64](repeating: 0, count: most - own.count))
        return (0..<total).map { all[$0 % count][$0 / count] }
    }

    /// Calls `take` on the first rank with the rows of the first `total`, in their order, a part at a time. The others call
    /// this too.
    /// - Parameters:
    ///   - own: this rank's rows, `share(of: total)` of them, one at least, of one type and size on all ranks.
    ///   - portion: rows of a part, of each rank.
    package func bringInOrder(
        _ own: HostTensor, of total: Int, portion: Int = 256, _ take: (HostTensor) throws -> Void
    ) rethrows {
        precondition(own.rowCount == share(of: total) && own.rowCount > 0)
        let most = (total + count - 1) / count
        for start in stride(from: 0, to: most, by: portion) {
            let size = min(portion, most - start)
            // The last row stands in for one that a rank has less than others.
            let part = own.gather((start..<start + size).map { min($0, own.rowCount - 1) })
            let all = HostTensor(own.type, shape: [count * size] + own.shape.dropFirst()) { all in
                part.withUnsafeBytes { gather($0, into: all) }
            }
            guard rank == 0 else { continue }
            let places = start * count..<min((start + size) * count, total)
            try take(all.gather(places.map { $0 % count * size + $0 / count - start }))
        }
    }
}
