import Glibc
import HLCommand
import HLFigures
import HLFormats
import HLStatistics
import HLTensor
import HLViews

/// The histograms of δ, one below the other over one axis.
struct DeltaFigure {
    private let measurement: Measurement
    private let rows: [(name: String, delta: StreamingDistribution, boundary: StreamingDistribution?)]

    init(_ measurement: Measurement) {
        let statistics = measurement.statistics, boundary = measurement.boundary
        self.measurement = measurement
        rows =
            zip(statistics.chunks.indices, statistics.perChunk).map { chunk, delta in
                ("\(measurement.unit) \(chunk)", delta, boundary?.chunk == chunk ? boundary?.distance : nil)
            } + zip(statistics.groups, statistics.perGroup).map { ("\(measurement.unit)s \($0.text)", $1, nil) }
    }

    /// - Throws: `Failure` (usage) for more chunks and groups than a figure holds.
    static func check(_ measurement: Measurement) throws {
        let rows = measurement.statistics.chunks.indices.count + measurement.statistics.groups.count
        if rows > HistogramFigure.largestPanelCount {
            throw Failure(
                .usage, "a figure cannot show \(rows) chunks and groups",
                "choose up to \(HistogramFigure.largestPanelCount) with --chunks")
        }
    }

    func rendered() throws -> Image {
        let shown = rows.flatMap { [$0.delta, $0.boundary].compactMap { $0 } }.filter { $0.maximum > 0 }
        let axis = Self.axis(rows.map(\.delta).filter { $0.maximum > 0 }, rows.compactMap(\.boundary))
        let edges = axis.edges(count: Self.cellCount(shown, axis))
        let panels = rows.map { row in
            var panel = HistogramFigure.Panel(lines: [row.name] + Self.lines(row.delta), shares: [])
            panel.sentence = "does not move"
            if let boundary = row.boundary { panel.outline = Self.shares(boundary, edges) }
            guard row.delta.maximum > 0 else {
                if row.boundary != nil {
                    panel.shares = edges.dropLast().map { _ in 0 }
                }
                return panel
            }
            panel.shares = Self.shares(row.delta, edges)
            panel.mark = row.delta.mean
            return panel
        }
        let space = measurement.space.rawValue
        return try HistogramFigure(
            panels: panels, axis: axis,
            axisLabel: "δ = |\(space).0 - \(space).\(measurement.view)| of \(measurement.statistics.count) samples",
            legend: (
                "δ", "mean of δ",
                rows.contains { $0.boundary != nil } ? "distance from the anchor to the class boundary" : nil
            )
        ).rendered()
    }

    private static func lines(_ delta: StreamingDistribution) -> [String] {
        guard delta.maximum > 0 else { return ["δ = 0"] }
        // Three digits of the mean or so.
        let digits = [100, 10, 0.1, 0.01, 0.001].firstIndex { delta.mean >= $0 } ?? 5
        let text = "\(fixed(delta.mean, digits + 1)) ± \(fixed(delta.standardDeviation, digits + 1))"
        if delta.zeroCount == 0 { return [text] }
        return [text, "\(fixed(100 * Double(delta.zeroCount) / Double(delta.count), 1)) % at 0"]
    }

    /// What a thousandth lies below, and what a thousandth lies above.
    private static func spread(_ d: StreamingDistribution) -> ClosedRange<Double> {
        let low = d.quantile(0.001), high = d.quantile(0.999)
        return low...max(low, high)
    }

    /// From 0 where the distributions lie close, else logarithmic.
    private static func axis(_ moved: [StreamingDistribution], _ boundaries: [StreamingDistribution]) -> Axis {
        let high = (moved + boundaries).map { spread($0).upperBound }.max() ?? 0
        guard high > 0 else { return Axis(0...1) }
        let medians = moved.map { $0.quantile(0.5) }.filter { $0 > 0 }
        guard let least = medians.min(), let most = medians.max(), most / least > 12 else {
            return Axis(0...high * 1.05)
        }
        // Zeros are not on a logarithmic axis, and neither a few tiny values nor the boundary's long tail stretch it.
        let low = moved.map { max(spread($0).lowerBound, least / 100) }.min() ?? least
        return Axis(low / 1.15...high * 1.15, isLogarithmic: true)
    }

    /// Cells so wide that the narrowest histogram has enough of them, and these enough samples each.
    private static func cellCount(_ shown: [StreamingDistribution], _ axis: Axis) -> Int {
        let widths = shown.map { d in
            axis.position(of: max(spread(d).upperBound, axis.range.lowerBound))
                - axis.position(of: max(spread(d).lowerBound, axis.range.lowerBound))
        }
        let narrowest = max(widths.filter { $0 > 0 }.min() ?? 1, 1e-3)
        let wanted = 1.5 * cbrt(Double(shown.map(\.count).min() ?? 1))
        return Int(min(max(min(max(wanted, 6), 45) / narrowest, 24), 276))
    }

    private static func shares(_ d: StreamingDistribution, _ edges: [Double]) -> [Double] {
        d.masses(edges: edges).map { $0 / Double(d.count) }
    }
}
