import HLFormats
import HLTensor

/// A confusion matrix: a row for each true class, a column for each class that samples were taken for. The darker a cell,
/// the greater its share of the row's samples; the diagonal is blue, errors are orange.
package struct ConfusionFigure: Sendable {
    /// Samples, row by row.
    package var counts: [[Int]]
    /// Of the classes.
    package var names: [String]

    package init(counts: [[Int]], names: [String]) {
        precondition(counts.count == names.count && counts.allSatisfy { $0.count == names.count })
        self.counts = counts
        self.names = names
    }

    /// More would not fit a picture.
    package static let largestClassCount = 1000

    private static let right = Ink(31, 90, 145), wrong = Ink(204, 85, 0), grey = Ink(150, 150, 150)
    private static let margin = 20.0, title = 30.0, longestName = 28

    /// Side of a cell in pixels.
    package var cell: Int { max(2, min(44, 880 / max(1, names.count))) }
    /// Pixels left of the matrix.
    package var left: Int { head }
    /// Pixels above the matrix.
    package var top: Int { head }

    private var head: Int { Int(Self.margin + Self.title + (hasNames ? labelWidth + 10 : 0)) }
    private var hasNames: Bool { cell >= 12 }
    private var letters: Double { min(13, max(7, Double(cell) * 0.62)) }
    private var labels: [String] {
        names.map { $0.count > Self.longestName ? $0.prefix(Self.longestName - 2) + ".." : $0 }
    }
    private var labelWidth: Double { labels.map { Drawing.textWidth($0, size: letters) }.max() ?? 0 }

    /// - Throws: `Failure` `.usage` for no classes or too many.
    package static func check(classes: Int) throws {
        guard (1...largestClassCount).contains(classes) else {
            throw Failure(
                .usage, "a figure cannot show a confusion of \(classes) classes",
                "write it to a .tsv, or use up to \(largestClassCount) classes")
        }
    }

    /// Draws the figure.
    /// - Throws: as `check(classes:)`.
    package func rendered() throws -> Image {
        try Self.check(classes: names.count)
        let side = cell * names.count, size = head + side + Int(Self.margin)
        var drawing = Drawing(width: size, height: size)
        let (start, end) = (Double(head), Double(head + side)), middle = Double(head) + Double(side) / 2
        for (row, line) in counts.enumerated() {
            let total = line.reduce(0, +)
            for (column, count) in line.enumerated() where count > 0 {
                draw(count, of: total, row, column, &drawing)
            }
        }
        drawing.stroke(
            [(start, start, end, start), (start, end, end, end), (start, start, start, end), (end, start, end, end)],
            width: 1, Self.grey)
        if hasNames {
            for (index, label) in labels.enumerated() {
                let place = start + (Double(index) + 0.5) * Double(cell)
                drawing.write(label, x: start - 8, y: place, size: letters, .black, .right)
                drawing.write(label, x: place, y: start - 8, size: letters, .black, .left, upwards: true)
            }
        }
        drawing.write("taken for", x: middle, y: Self.margin, size: 15, .black, .middle)
        drawing.write("class", x: Self.margin, y: middle, size: 15, .black, .middle, upwards: true)
        return drawing.image
    }

    private func draw(_ count: Int, of total: Int, _ row: Int, _ column: Int, _ drawing: inout Drawing) {
        let share = Double(count) / Double(total), ink = row == column ? Self.right : Self.wrong
        func mixed(_ part: Double) -> Double { 255 + (part - 255) * share }
        let x = Double(head + column * cell), y = Double(head + row * cell)
        drawing.fill(
            x: x...x + Double(cell), y: y...y + Double(cell), Ink(mixed(ink.red), mixed(ink.green), mixed(ink.blue)))
        guard Drawing.textWidth("\(count)", size: letters) < Double(cell) - 4 else { return }
        drawing.write(
            "\(count)", x: x + Double(cell) / 2, y: y + Double(cell) / 2, size: letters,
            share > 0.5 ? Ink(255, 255, 255) : .black, .middle)
    }
}
