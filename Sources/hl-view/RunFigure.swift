import HLCommand
import HLFigures
import HLFormats
import HLRecords
import HLTensor

/// Values of runs as lines: over the course of each run, or of all runs of a folder over a setting.
struct RunFigure {
    private let figure: CurveFigure

    /// - Parameters:
    ///   - values: nil takes the loss, or what most runs have measured.
    ///   - against: `samples`, `seconds`, or the name of a setting or value.
    /// - Throws: `Failure(.data)` where there is nothing to draw.
    init(_ runs: RunRecords, values: [String]?, against: String) throws {
        let isCourse = ["samples", "seconds"].contains(against)
        let values = values ?? (isCourse ? Self.usualCurves(of: runs) : ["seconds"])
        let groups = (isCourse ? Self.courses(runs, values, against) : Self.folders(runs, values, against)).map {
            (name: $0.name, lines: $0.lines.map { $0.filter { Self.canBeDrawn($0.x) && Self.canBeDrawn($0.y) } })
        }
        let points = groups.flatMap { $0.lines.flatMap { $0 } }
        guard let xRange = Self.range(points.map(\.x)) else {
            throw Failure(
                .data, "no run has \(values.joined(separator: " or "))\(isCourse ? "" : " and \(against)") to draw",
                "give --values with names that hl-view --runs --json shows")
        }
        let panels = values.indices.map { index in
            let lines = groups.enumerated().map { CurveFigure.Line(name: $0, points: $1.lines[index]) }
            let all = lines.flatMap { $0.points.map(\.y) }
            let range = Self.range(isCourse ? all : all + [0]) ?? 0...1
            return CurveFigure.Panel(title: values[index], axis: Axis(Self.padded(range)), lines: lines)
        }
        let marks = Array(Set(points.map(\.x))).sorted()
        let isWide = !isCourse && xRange.lowerBound > 0 && xRange.upperBound >= 4 * xRange.lowerBound
        figure = CurveFigure(
            panels: panels, names: groups.map { Self.shortened($0.name) },
            axis: Axis(isCourse ? min(0, xRange.lowerBound)...xRange.upperBound : xRange, isLogarithmic: isWide),
            ticks: !isCourse && marks.count <= 12 ? marks : nil, axisLabel: against)
    }

    func rendered() throws -> Image { try figure.rendered() }

    private typealias Points = [(x: Double, y: Double)]
    /// What is drawn in one colour: a line for each value.
    private typealias Group = (name: String, lines: [Points])

    private static func courses(_ runs: RunRecords, _ values: [String], _ against: String) -> [Group] {
        runs.entries.compactMap { entry in
            let lines = values.map { name in
                (entry.record.curves[name]?.points ?? []).map { point in
                    (x: against == "samples" ? Double(point.samples) : point.seconds, y: point.value)
                }
            }
            return lines.allSatisfy(\.isEmpty) ? nil : (entry.name, lines)
        }
    }

    private static func folders(_ runs: RunRecords, _ values: [String], _ against: String) -> [Group] {
        var names: [String] = [], lines: [String: [Points]] = [:]
        for entry in runs.entries {
            guard let x = entry.value(against)?.number else { continue }
            for (index, name) in values.enumerated() {
                guard let y = entry.value(name)?.number else { continue }
                if lines[entry.folder] == nil {
                    names.append(entry.folder)
                    lines[entry.folder] = values.map { _ in [] }
                }
                lines[entry.folder]?[index].append((x, y))
            }
        }
        return names.map { name in (name, (lines[name] ?? []).map { $0.sorted { $0.x < $1.x } }) }
    }

    /// The loss where there is one, else the curve that most runs have.
    private static func usualCurves(of runs: RunRecords) -> [String] {
        var counts: [String: Int] = [:]
        for entry in runs.entries { for name in entry.record.curves.keys { counts[name, default: 0] += 1 } }
        if counts["loss"] != nil { return ["loss"] }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { [$0.key] } ?? ["loss"]
    }

    /// Records are files, and may say anything: beyond this no scale has room for both ends.
    private static func canBeDrawn(_ value: Double) -> Bool { abs(value) <= 1e300 }

    /// nil for no numbers; one number, or several that no scale tells apart, get room on both sides.
    private static func range(_ values: [Double]) -> ClosedRange<Double>? {
        guard let least = values.min(), let most = values.max() else { return nil }
        return most - least > max(1e-300, 1e-12 * max(abs(least), abs(most)))
            ? least...most : least - max(1, abs(least)) / 2...most + max(1, abs(most)) / 2
    }

    /// A little air above and below; 0 stays the end that it is.
    private static func padded(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
        let air = (range.upperBound - range.lowerBound) * 0.04
        return (range.lowerBound == 0 ? 0 : range.lowerBound - air)...range.upperBound + air
    }

    private static func shortened(_ name: String) -> String { name.count > 44 ? "..." + name.suffix(41) : name }
}
