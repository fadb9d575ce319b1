import HLCommand
import HLFormats

/// What a filter has done: how many samples it let through, how their scores are spread, and, for a generator whose
/// oracle knows, how many were defective.
struct FilterReport {
    /// A number for all samples that came and for those that went on.
    struct Pair<Value> {
        var seen: Value
        var kept: Value
    }

    private var counts = Pair(seen: 0, kept: 0)
    private var sums = Pair(seen: 0.0, kept: 0.0)
    private var histogram = Pair(seen: [Int](repeating: 0, count: parts), kept: [Int](repeating: 0, count: parts))
    private var defective: Pair<Int>?

    /// Equal parts of the scale from 0 to 1.
    private static let parts = 10

    /// Samples that came.
    var seen: Int { counts.seen }

    /// - Parameters:
    ///   - chosen: the positions of those that go on.
    ///   - defects: whether each is defective, where that is known.
    mutating func add(_ scores: [Float], kept chosen: [Int], defects: [Bool]?) {
        counts.seen += scores.count
        counts.kept += chosen.count
        for score in scores {
            sums.seen += Double(score)
            histogram.seen[Self.part(of: score)] += 1
        }
        for index in chosen {
            sums.kept += Double(scores[index])
            histogram.kept[Self.part(of: scores[index])] += 1
        }
        if let defects {
            let before = defective ?? Pair(seen: 0, kept: 0)
            defective = Pair(
                seen: before.seen + defects.count { $0 }, kept: before.kept + chosen.count { defects[$0] })
        }
    }

    private static func part(of score: Float) -> Int { max(0, min(parts - 1, Int(score * Float(parts)))) }

    private var means: Pair<Double> {
        Pair(seen: sums.seen / Double(max(1, counts.seen)), kept: sums.kept / Double(max(1, counts.kept)))
    }

    /// One line: the counts, the mean scores and the share of defects.
    var text: String {
        let share = defective.map {
            "; defective \(percent($0.kept, of: counts.kept)) of \(percent($0.seen, of: counts.seen)) %"
        }
        return "kept \(counts.kept) of \(counts.seen) samples, mean score \(rounded(means.kept)) of "
            + "\(rounded(means.seen))\(share ?? "")"
    }

    private func percent(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "-" : fixed(100 * Double(part) / Double(whole), 2)
    }

    var json: JSONValue {
        func both(_ pair: Pair<Int>) -> JSONValue {
            ["seen": .integer(Int64(pair.seen)), "kept": .integer(Int64(pair.kept))]
        }
        func list(_ counts: [Int]) -> JSONValue { .array(counts.map { .integer(Int64($0)) }) }
        var object: JSONObject = [
            "samples": both(counts), "acceptance": .number(Double(counts.kept) / Double(max(1, counts.seen))),
            "mean_score": ["seen": .number(means.seen), "kept": .number(means.kept)],
            "histogram": [
                "edges": .array((0...Self.parts).map { .number(Double($0) / Double(Self.parts)) }),
                "seen": list(histogram.seen), "kept": list(histogram.kept),
            ],
        ]
        object["defective"] = defective.map(both)
        return .object(object)
    }
}
