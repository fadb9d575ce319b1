import HLCommand
import HLFormats
import HLStatistics
import HLViews

/// What hl-delta prints.
struct Report {
    let measurement: Measurement
    var statistics: DeltaStatistics { measurement.statistics }

    /// What is said where it is so.
    static let labelsSeen = "the generator was trained with labels"

    static let fractions = [0.05, 0.25, 0.5, 0.75, 0.95]

    init(_ measurement: Measurement) { self.measurement = measurement }

    /// Chunks, groups and, last, all chunks together.
    private var rows: [(name: String, distribution: StreamingDistribution)] {
        zip(statistics.chunks.indices, statistics.perChunk).map { (String($0), $1) }
            + zip(statistics.groups, statistics.perGroup).map { ($0.text, $1) } + [("all", statistics.together)]
    }

    func text(pairs: Bool) -> String {
        var table = Self.emptyTable(measurement.unit)
        for (name, distribution) in rows { table.add([name] + Self.cells(distribution)) }
        let kept = measurement.boundary.map {
            ", \(fixed(100 * (1 - $0.changed.share), 2)) % of which keep their label"
        }
        let space = measurement.space.rawValue
        let heading =
            "δ = |\(space).0 - \(space).\(measurement.view)| of \(statistics.count) samples\(kept ?? "")\n"
            + (measurement.hasSeenLabels ? Self.labelsSeen + "\n\n" : "\n")
        return ([heading + table.text()] + [orderText(pairs: pairs), boundaryText].compactMap { $0 })
            .joined(separator: "\n")
    }

    private static func emptyTable(_ unit: String) -> TextTable {
        TextTable([unit, "mean", "std", "s.e.", "min"] + fractions.map { "\(fixed(100 * $0, 0))%" } + ["max"])
    }

    private static func cells(_ d: StreamingDistribution) -> [String] {
        ([d.mean, d.standardDeviation, d.standardError, d.minimum] + fractions.map(d.quantile) + [d.maximum])
            .enumerated().map { fixed($1, $0 == 2 ? 5 : $1 >= 1000 ? 1 : 4) }
    }

    // MARK: Assumption 3.1

    /// Names by the numbers that orderings use.
    private typealias Names = [(number: Int, name: String)]

    private func orderText(pairs: Bool) -> String? {
        let parts: [(Names, [DeltaStatistics.Ordering], Proportion)] = [
            (statistics.chunks.indices.map { ($0, String($0)) }, statistics.orderings, statistics.wholeOrder),
            (
                statistics.groups.enumerated().map { ($0, $1.text) }, statistics.groupOrderings,
                statistics.wholeGroupOrder
            ),
        ].filter { !$0.1.isEmpty }
        if parts.isEmpty { return nil }
        let texts = parts.map { names, orderings, whole in
            let order = (names.count > 6 ? [names[0], names[1], (0, "..."), names[names.count - 1]] : names)
            return (pairs ? Self.pairText(names, orderings) : Self.matrixText(names, orderings))
                + "\n\(order.map(\.name).joined(separator: " < ")) in \(Self.percent(whole))\n"
        }
        return "Assumption 3.1, share of samples with δ of p below δ of q:\n\n" + texts.joined(separator: "\n")
    }

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
            let interval = ordering.below.interval()
            table.add(
                [
                    "\(names[ordering.first] ?? "") < \(names[ordering.second] ?? "")", fixed(ordering.share, 5),
                    fixed(interval.lowerBound, 5), fixed(interval.upperBound, 5),
                ])
        }
        return table.text()
    }

    private static func percent(_ proportion: Proportion) -> String {
        let interval = proportion.interval()
        return "\(fixed(100 * proportion.share, 3)) % of the samples (95 % interval "
            + "\(fixed(100 * interval.lowerBound, 3)) to \(fixed(100 * interval.upperBound, 3)))"
    }

    // MARK: The class boundary

    private var boundaryText: String? {
        guard let boundary = measurement.boundary else { return nil }
        var table = Self.emptyTable("chunk")
        table.add([String(boundary.chunk)] + Self.cells(boundary.distance))
        table.add(["others", "∞"])
        return "Distance from the anchor to the nearest class boundary:\n\n" + table.text()
            + "\nδ of chunk \(boundary.chunk) exceeds it in \(Self.percent(boundary.beyond))\n"
            + "The label changed in \(Self.percent(boundary.changed))\n"
    }
}
