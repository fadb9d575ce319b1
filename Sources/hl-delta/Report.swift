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

    /// Chunks, groups and, last, all chunks together.
    private var rows: [(name: String, distribution: StreamingDistribution)] {
        zip(statistics.chunks.indices, statistics.perChunk).map { (String($0), $1) }
            + zip(statistics.groups, statistics.perGroup).map { ($0.text, $1) } + [("all", statistics.together)]
    }

    /// The chunks of mapped latents are layers.
    private var unit: String { space == "w" ? "layer" : "chunk" }

    // MARK: For people

    func text(pairs: Bool) -> String {
        var table = TextTable([unit, "mean", "std", "s.e.", "min", "5%", "25%", "50%", "75%", "95%", "max"])
        for (name, d) in rows {
            let values =
                [d.mean, d.standardDeviation, d.standardError, d.minimum] + Self.fractions.map(d.quantile) + [d.maximum]
            table.add([name] + values.enumerated().map { fixed($1, $0 == 2 ? 5 : $1 >= 1000 ? 1 : 4) })
        }
        let kept = labelsKept.map {
            ", \(fixed(100 * Double($0) / Double(statistics.count), 2)) % of which keep their label"
        }
        let heading = "δ = |\(space).0 - \(space).\(view)| of \(statistics.count) samples\(kept ?? "")\n\n"
        let comparisons = [(chunkNames, statistics.orderings), (groupNames, statistics.groupOrderings)]
            .filter { !$0.1.isEmpty }
            .map { pairs ? Self.pairText($0, $1) : Self.matrixText($0, $1) }
        if comparisons.isEmpty { return heading + table.text() }
        return heading + table.text() + "\nAssumption 3.1, share of samples with δ of p below δ of q:\n\n"
            + comparisons.joined(separator: "\n")
    }

    /// Names by the numbers that orderings use.
    private typealias Names = [(number: Int, name: String)]

    private var chunkNames: Names { statistics.chunks.indices.map { ($0, String($0)) } }
    private var groupNames: Names { statistics.groups.enumerated().map { ($0, $1.text) } }

    private static func matrixText(_ names: Names, _ orderings: [DeltaStatistics.Ordering]) -> String {
        var table = TextTable(["p \\ q"] + names.dropFirst().map(\.name))
        for (position, first) in names.dropLast().enumerated() {
            let shares = orderings.filter { $0.first == first.number }.map { fixed($0.share, 4) }
            table.add([first.name] + [String](repeating: "", count: position) + shares)
        }
        return table.text()
    }

    private static func pairText(_ names: Names, _ orderings: [DeltaStatistics.Ordering]) -> String {
        let names = Dictionary(uniqueKeysWithValues: names.map { ($0.number, $0.name) })
        var table = TextTable(["p < q", "share", "95% from", "to"])
        for ordering in orderings {
            let interval = ordering.interval()
            table.add(
                ["\(names[ordering.first] ?? "") < \(names[ordering.second] ?? "")", fixed(ordering.share, 5),
                    fixed(interval.lowerBound, 5), fixed(interval.upperBound, 5)])
        }
        return table.text()
    }

    // MARK: For programs

    var json: JSONValue {
        var object = distributions
        if let labelsKept { object["labels_kept"] = .number(Double(labelsKept) / Double(statistics.count)) }
        return .object(object)
    }

    private var distributions: JSONObject {
        var object: JSONObject = [
            "samples": .integer(Int64(statistics.count)), "latent": .string(space), "view": .integer(Int64(view)),
            "chunks": .array(
                zip(statistics.chunks.indices, statistics.perChunk).map {
                    Self.json($1, ["chunk": .integer(Int64($0))])
                }),
            "all": Self.json(statistics.together),
            "pairs": .array(statistics.orderings.map { Self.json($0) { .integer(Int64($0)) } }),
        ]
        if !statistics.groups.isEmpty {
            object["groups"] = .array(
                zip(statistics.groups, statistics.perGroup).map { Self.json($1, ["chunks": .string($0.text)]) })
            object["group_pairs"] = .array(
                statistics.groupOrderings.map { Self.json($0) { .string(statistics.groups[$0].text) } })
        }
        return object
    }

    private static func json(_ ordering: DeltaStatistics.Ordering, name: (Int) -> JSONValue) -> JSONValue {
        let interval = ordering.interval()
        return [
            "p": name(ordering.first), "q": name(ordering.second), "count": .integer(Int64(ordering.count)),
            "share": .number(ordering.share),
            "interval": [.number(interval.lowerBound), .number(interval.upperBound)],
        ]
    }

    /// - Parameter name: members in front of the numbers.
    private static func json(_ d: StreamingDistribution, _ name: JSONObject = [:]) -> JSONValue {
        var object = name
        object["mean"] = .number(d.mean)
        object["std"] = .number(d.standardDeviation)
        object["standard_error"] = .number(d.standardError)
        object["min"] = .number(d.minimum)
        object["max"] = .number(d.maximum)
        object["fractions"] = .array(fractions.map { .number($0) })
        object["quantiles"] = .array(fractions.map { .number(d.quantile($0)) })
        return .object(object)
    }
}
