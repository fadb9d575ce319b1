import HLCommand
import HLFormats
import HLViews

/// What hl-delta prints.
struct Report {
    private let statistics: DeltaStatistics
    private let space: String
    private let view: Int
    /// Positives with their anchor's class, where the generator has an oracle.
    private let labelsKept: Int?

    private static let fractions = [0.05, 0.25, 0.5, 0.75, 0.95]

    init(_ statistics: DeltaStatistics, space: String, view: Int, labelsKept: Int?) {
        self.statistics = statistics
        self.space = space
        self.view = view
        self.labelsKept = labelsKept
    }

    /// Chunks and, last, all of them together.
    private var rows: [(name: String, distribution: StreamingDistribution)] {
        zip(statistics.chunks.indices, statistics.perChunk).map { (String($0), $1) }
            + [("all", statistics.together)]
    }

    // MARK: For people

    func text(pairs: Bool) -> String {
        var table = TextTable(["chunk", "mean", "std", "s.e.", "min", "5%", "25%", "50%", "75%", "95%", "max"])
        for (name, d) in rows {
            let values =
                [d.mean, d.standardDeviation, d.standardError, d.minimum] + Self.fractions.map(d.quantile) + [d.maximum]
            table.add([name] + values.enumerated().map { fixed($1, $0 == 2 ? 5 : $1 >= 1000 ? 1 : 4) })
        }
        let kept = labelsKept.map { ", \(fixed(100 * Double($0) / Double(statistics.count), 2)) % of which keep their label" }
        let heading = "δ = |\(space).0 - \(space).\(view)| of \(statistics.count) samples\(kept ?? "")\n\n"
        guard statistics.orderings.count > 0 else { return heading + table.text() }
        return heading + table.text() + "\n" + (pairs ? pairText : matrixText)
    }

    private var matrixText: String {
        let chunks = statistics.chunks.indices
        var table = TextTable(["p \\ q"] + chunks.dropFirst().map(String.init))
        for (position, first) in chunks.dropLast().enumerated() {
            let shares = statistics.orderings.filter { $0.first == first }.map { fixed($0.share, 4) }
            table.add(["\(first)"] + [String](repeating: "", count: position) + shares)
        }
        return "Assumption 3.1, share of samples with δ of p below δ of q:\n\n" + table.text()
    }

    private var pairText: String {
        var table = TextTable(["p < q", "share", "95% from", "to"])
        for ordering in statistics.orderings {
            let interval = ordering.interval()
            table.add(
                ["\(ordering.first) < \(ordering.second)", fixed(ordering.share, 5), fixed(interval.lowerBound, 5),
                    fixed(interval.upperBound, 5)])
        }
        return "Assumption 3.1, share of samples with δ of p below δ of q:\n\n" + table.text()
    }

    // MARK: For programs

    var json: JSONValue {
        var object = distributions
        if let labelsKept { object["labels_kept"] = .number(Double(labelsKept) / Double(statistics.count)) }
        return .object(object)
    }

    private var distributions: JSONObject {
        [
            "samples": .integer(Int64(statistics.count)), "latent": .string(space), "view": .integer(Int64(view)),
            "chunks": .array(
                zip(statistics.chunks.indices, statistics.perChunk).map { chunk, distribution in
                    var object = Self.json(distribution)
                    object["chunk"] = .integer(Int64(chunk))
                    return .object(object)
                }),
            "all": .object(Self.json(statistics.together)),
            "pairs": .array(
                statistics.orderings.map {
                    let interval = $0.interval()
                    return [
                        "p": .integer(Int64($0.first)), "q": .integer(Int64($0.second)),
                        "count": .integer(Int64($0.count)), "share": .number($0.share),
                        "interval": [.number(interval.lowerBound), .number(interval.upperBound)],
                    ]
                }),
        ]
    }

    private static func json(_ d: StreamingDistribution) -> JSONObject {
        [
            "mean": .number(d.mean), "std": .number(d.standardDeviation), "standard_error": .number(d.standardError),
            "min": .number(d.minimum), "max": .number(d.maximum), "fractions": .array(fractions.map { .number($0) }),
            "quantiles": .array(fractions.map { .number(d.quantile($0)) }),
        ]
    }
}
