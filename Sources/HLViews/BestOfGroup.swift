import HLTensor

/// Which samples of a group a filter keeps: the best of every group of ⌈batch / keep⌉, in the order in which they came.
package struct BestOfGroup: Sendable, Equatable {
    /// The share to keep, above 0 and at most 1.
    package let keep: Double
    /// Samples that a whole group gives.
    package let batch: Int

    /// - Throws: `Failure(.usage)` for a share or a batch out of range.
    package init(keep: Double, batch: Int) throws {
        guard keep > 0, keep <= 1 else {
            throw Failure(.usage, "cannot keep a share of \(keep)", "keep a share above 0 and up to 1")
        }
        guard (1...1 << 16).contains(batch), Double(batch) / keep <= Double(1 << 20) else {
            throw Failure(
                .usage, "cannot choose \(batch) samples at a time of \((Double(batch) / keep).rounded())",
                "take batches of 1 to 65536, and keep a greater share")
        }
        self.keep = keep
        self.batch = batch
    }

    /// Samples of a whole group: ⌈batch / keep⌉.
    package var groupSize: Int { Int((Double(batch) / keep).rounded(.up)) }

    /// The positions of the samples to keep, ascending: the best `batch` of a whole group, the same share of a last and
    /// shorter one, rounded to the nearest. Of equal scores the earlier sample wins.
    package func chosen(_ scores: [Float]) -> [Int] {
        let count =
            scores.count >= groupSize
            ? batch : Int((Double(scores.count) * Double(batch) / Double(groupSize)).rounded())
        let best = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count)
        return best.sorted()
    }
}
