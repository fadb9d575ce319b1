import HLFormats
import HLTensor

/// Rows of numbers as bars, in several columns of panels that each have a scale of their own.
package struct BarFigure: Sendable {
    /// A column: one number for every row.
    package struct Panel: Sendable {
        /// Above it.
        package var title: String
        /// From 0.
        package var end: Double
        /// nil leaves a row empty.
        package var values: [Double?]
        /// What is drawn across the end of a bar, such as an interval.
        package var ranges: [ClosedRange<Double>?]
        /// Beside each bar.
        package var texts: [String]
        /// A value that all rows are to be compared with, and what it is.
        package var lines: [(value: Double, text: String)]

        package init(
            title: String, end: Double, values: [Double?], ranges: [ClosedRange<Double>?], texts: [String],
            lines: [(value: Double, text: String)] = []
        ) {
            (self.title, self.end, self.values, self.ranges) = (title, end, values, ranges)
            (self.texts, self.lines) = (texts, lines)
        }
    }

    package var names: [String]
    package var panels: [Panel]
    /// Below everything.
    package var caption: String

    package init(names: [String], panels: [Panel], caption: String) {
        precondition(
            panels.allSatisfy { panel in
                panel.end > 0
                    && [panel.values.count, panel.ranges.count, panel.texts.count].allSatisfy { $0 == names.count }
            })
        (self.names, self.panels, self.caption) = (names, panels, caption)
    }

    /// More would not fit a page.
    package static let largestRowCount = 64

    private static let area = Ink(176, 203, 226), edge = Ink(31, 90, 145), grey = Ink(110, 110, 110)
    private static let faint = Ink(225, 225, 225), paper = Ink(255, 255, 255),
        marks = [Ink(204, 85, 0), Ink(46, 125, 50)]
    private static let row = 46.0, bar = 24.0, panelWidth = 320.0, gap = 110.0, letters = 14.0, margin = 24.0
    private static let titleLetters = 16.0

    /// Pixels left of the first panel.
    package var left: Double { (names.map { Drawing.textWidth($0, size: Self.letters) }.max() ?? 0) + Self.margin + 16 }
    /// Pixels above the first row.
    package var top: Double { 62 + Double(legendLines) * 24 }
    private var legendLines: Int { panels.map(\.lines.count).max() ?? 0 }

    /// From the beginning of a panel to that of the next: as wide as what stands above it.
    private static func pitch(_ panel: Panel) -> Double {
        let heads =
            [Drawing.textWidth(panel.title, size: titleLetters)]
            + panel.lines.map { 36 + Drawing.textWidth($0.text, size: letters) }
        return max(panelWidth + gap, (heads.max() ?? 0) + 40)
    }

    /// Where the number of a row begins and ends on the picture, for who wants to find it.
    package func bar(row: Int, panel: Int) -> (left: Double, right: Double, middle: Double) {
        let start = panels[..<panel].reduce(left) { $0 + Self.pitch($1) }
        let share = min(max((panels[panel].values[row] ?? 0) / panels[panel].end, 0), 1)
        return (start, start + share * Self.panelWidth, top + (Double(row) + 0.5) * Self.row)
    }

    /// Draws the figure.
    /// - Throws: `Failure` `.usage` for no rows or too many.
    package func rendered() throws -> Image {
        guard !names.isEmpty, !panels.isEmpty, names.count <= Self.largestRowCount else {
            throw Failure(
                .usage, "a figure cannot show \(names.count) rows of bars",
                "take 1 to \(Self.largestRowCount) views")
        }
        let foot = top + Double(names.count) * Self.row
        let width = max(
            panels.reduce(left) { $0 + Self.pitch($1) },
            Self.margin * 2 + Drawing.textWidth(caption, size: Self.letters))
        var drawing = Drawing(width: Int(width), height: Int(foot + 88))
        for (number, name) in names.enumerated() {
            drawing.write(
                name, x: left - 14, y: top + (Double(number) + 0.5) * Self.row, size: Self.letters, .black, .right)
        }
        for number in panels.indices { draw(number, foot: foot, &drawing) }
        drawing.write(caption, x: Self.margin, y: foot + 66, size: Self.letters, Self.grey)
        return drawing.image
    }

    private func draw(_ number: Int, foot: Double, _ drawing: inout Drawing) {
        let panel = panels[number], start = bar(row: 0, panel: number).left
        let x = { (value: Double) in start + min(max(value / panel.end, 0), 1) * Self.panelWidth }
        drawing.write(panel.title, x: start, y: 28, size: Self.titleLetters)
        for tick in Axis(0...panel.end).ticks(about: 5) {
            drawing.stroke([(x(tick), top, x(tick), foot)], width: 1, Self.faint)
            drawing.stroke([(x(tick), foot, x(tick), foot + 6)], width: 1.5, .black)
            drawing.write(Axis.text(tick), x: x(tick), y: foot + 20, size: Self.letters, .black, .middle)
        }
        for row in names.indices {
            guard panel.values[row] != nil else { continue }
            let place = bar(row: row, panel: number)
            let (head, tail) = (place.middle - Self.bar / 2, place.middle + Self.bar / 2)
            if place.right > place.left { drawing.fill(x: place.left...place.right, y: head...tail, Self.area) }
            drawing.stroke(
                [
                    (place.left, head, place.right, head), (place.right, head, place.right, tail),
                    (place.right, tail, place.left, tail),
                ], width: 1.5, Self.edge)
            if let range = panel.ranges[row] {
                let (from, to) = (x(range.lowerBound), x(range.upperBound))
                drawing.stroke(
                    [
                        (from, place.middle, to, place.middle), (from, place.middle - 5, from, place.middle + 5),
                        (to, place.middle - 5, to, place.middle + 5),
                    ], width: 1.5, .black)
            }
        }
        for (index, line) in panel.lines.enumerated() {
            let ink = Self.marks[index % Self.marks.count], y = 54 + Double(index) * 24
            drawing.stroke([(x(line.value), top - 4, x(line.value), foot)], width: 2, ink)
            drawing.stroke([(start, y, start + 26, y)], width: 2, ink)
            drawing.write(line.text, x: start + 36, y: y, size: Self.letters)
        }
        for row in names.indices where panel.values[row] != nil {
            // Lines go behind the numbers.
            let place = bar(row: row, panel: number), text = panel.texts[row]
            let from = max(place.right, panel.ranges[row].map { x($0.upperBound) } ?? 0) + 10
            let to = from + Drawing.textWidth(text, size: Self.letters)
            drawing.fill(x: from - 2...max(from, to), y: place.middle - 10...place.middle + 10, Self.paper)
            drawing.write(text, x: from, y: place.middle, size: Self.letters)
        }
        drawing.stroke([(start, top, start, foot), (start, foot, start + Self.panelWidth, foot)], width: 1.5, .black)
    }
}
