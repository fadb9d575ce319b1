import HLCommand

/// What a filter has done: how many samples it let through, and how their scores are spread.
struct FilterReport {
    private(set) var seen = 0
    private var kept = 0
    private var sums = (seen: 0.0, kept: 0.0)
    /// Of ten equal parts from 0 to 1.
    private var counts = [Int](repeating: 0, count: 10)
    private var keptCounts = [Int](repeating: 0, count: 10)

    mutating func add(_ scores: [Float], kept chosen: [Int]) {
        seen += scores.count
        kept += chosen.count
        for score in scores {
            sums.seen += Double(score)
            counts[Self.part(of: score)] += 1
        }
        for index in chosen {
            sums.kept += Double(scores[index])
            keptCounts[Self.part(of: scores[index])] += 1
        }
    }

    private static func part(of score: Float) -> Int { max(0, min(9, Int(score * 10))) }

    /// One line: the counts, the mean scores, and for each tenth of the scale seen and kept.
    var text: String {
        let histogram = zip(counts, keptCounts).enumerated().map { index, pair in
            "0.\(index): \(pair.1)/\(pair.0)"
        }
        return "kept \(kept) of \(seen) samples, mean score \(rounded(sums.kept / Double(max(1, kept)))) of "
            + "\(rounded(sums.seen / Double(seen))); kept and seen from score \(histogram.joined(separator: ", "))"
    }
}
