import HLFigures
import HLFormats
import HLStatistics

/// The picture of a `ContentReport`: label keeping with its chance and, beside it, how much of the image changes and how
/// far the latents go.
struct ContentFigure {
    let report: ContentReport
    private var measurement: ContentMeasurement { report.measurement }

    init(_ report: ContentReport) { self.report = report }

    func rendered() throws -> Image {
        let rows = Array(measurement.views.indices), keeping = measurement.keeping
        let names = rows.map { row -> String in
            let chunks = measurement.moved(row).map { "\(unit($0)) \($0)" } ?? "view \(measurement.views[row])"
            let mover = Self.short(measurement.movers[row])
            return mover.isEmpty ? chunks : "\(chunks), \(mover)"
        }
        var lines = [(100 * keeping.chance, "chance, \(fixed(100 * keeping.chance, 1))")]
        if let test = report.test {
            lines.append(
                (100 * test.right.share, "classifier right on real images, \(fixed(100 * test.right.share, 1))"))
        }
        let kept = rows.map { keeping.kept($0) }
        var panels = [
            BarFigure.Panel(
                title: "class kept (percent)", end: 100, values: kept.map { 100 * $0.share },
                ranges: kept.map { 100 * $0.interval().lowerBound...100 * $0.interval().upperBound },
                texts: kept.map { fixed(100 * $0.share, 1) }, lines: lines.filter { $0.0.isFinite })
        ]
        panels.append(Self.panel("change of pixels (0 to 1), mean ± std", rows.map { keeping.views[$0].change }))
        let deltas = rows.map { measurement.deltas[$0]?.together }
        if deltas.contains(where: { $0 != nil }) { panels.append(Self.panel("δ, mean ± std", deltas)) }
        return try BarFigure(
            names: names, panels: panels,
            caption:
                "\(keeping.total) anchors; 95 % intervals of Clopper and Pearson; classes by \(Self.short(report.classifier))"
        ).rendered()
    }

    private func unit(_ chunks: String) -> String {
        let one = measurement.isMapped ? "layer" : "chunk"
        return Int(chunks) == nil ? one + "s" : one
    }

    /// A walker's file without its folder.
    private static func short(_ mover: String) -> String {
        mover.split(separator: ", ").map { $0.split(separator: "/").last.map(String.init) ?? String($0) }
            .joined(separator: ", ")
    }

    private static func panel(_ title: String, _ values: [StreamingDistribution?]) -> BarFigure.Panel {
        let reach = values.compactMap { $0.map { $0.mean + ($0.count > 1 ? $0.standardDeviation : 0) } }.max() ?? 0
        return BarFigure.Panel(
            title: title, end: reach > 0 ? 1.05 * reach : 1, values: values.map { $0?.mean },
            ranges: values.map { value in
                value.flatMap {
                    $0.count > 1 ? max(0, $0.mean - $0.standardDeviation)...$0.mean + $0.standardDeviation : nil
                }
            },
            texts: values.map { value in value.map { fixed($0.mean, $0.mean < 1 ? 3 : 2) } ?? "" })
    }
}
