import HLCommand
import HLFormats
import HLStatistics
import HLViews

/// A heading and one row with mean ± std of each chunk, as in the paper's Table 1. Columns have one width always, so that
/// rows of several walkers can stand below each other.
struct TableRow {
    private let cells: [(name: String, value: String)]
    private let source: String

    private static let width = 15

    /// - Parameter headers: those of all streams that are joined in the one that was measured.
    init(_ measurement: Measurement, _ headers: [StreamHeader]) {
        let statistics = measurement.statistics
        let chunks = zip(statistics.chunks.indices, statistics.perChunk).map {
            ("\(measurement.space.rawValue)^\($0)", Self.value($1))
        }
        cells =
            chunks + zip(statistics.groups, statistics.perGroup).map { ($0.text, Self.value($1)) }
            + [("samples", String(statistics.count))]
        var names: [String] = []
        for header in headers {
            let perturbation = header.metadata["hl.perturbation"].flatMap {
                try? JSONValue(parsing: $0, name: "hl.perturbation")
            }
            // One walker alone is the perturbation itself; else it has groups, of noise or of a walker each.
            let parts = perturbation?["groups"]?.array ?? perturbation.map { [$0] } ?? []
            for name in parts.map({ $0["walker"]?.string ?? "noise" }) where !names.contains(name) {
                names.append(name)
            }
        }
        source = names.joined(separator: ", ")
    }

    /// - Parameter withHeading: with the names of the columns above.
    func text(withHeading: Bool) -> String {
        let heading = cells.map { Self.padded($0.name) }.joined() + "  positives from\n"
        return (withHeading ? heading : "") + cells.map { Self.padded($0.value) }.joined() + "  \(source)\n"
    }

    /// Two decimals, or more where there would be nothing but zeros. A chunk that never moves has a dash.
    private static func value(_ d: StreamingDistribution) -> String {
        guard d.maximum > 0 else { return "–" }
        var digits = 2
        var smallest = 0.095
        while d.mean < smallest && digits < 9 { (digits, smallest) = (digits + 1, smallest / 10) }
        // One sample has no deviation.
        return fixed(d.mean, digits) + (d.count > 1 ? " ± \(fixed(d.standardDeviation, digits))" : "")
    }

    private static func padded(_ text: String) -> String {
        "  " + String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
