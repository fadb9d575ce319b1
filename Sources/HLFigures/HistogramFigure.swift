import HLFormats
import HLTensor

/// Histograms one below the other over one axis.
package struct HistogramFigure: Sendable {
    /// One histogram, or a sentence in its place.
    package struct Panel: Sendable {
        /// To its right, the first line in black.
        package var lines: [String]
        /// Share of the samples in each cell, of equal width along the axis; empty for none.
        package var shares: [Double]
        /// A second histogram, drawn as a line.
        package var outline: [Double]?
        /// A number to mark.
        package var mark: Double?
        /// Where there is no histogram.
        package var sentence = ""

        package init(lines: [String], shares: [Double], outline: [Double]? = nil, mark: Double? = nil) {
            self.lines = lines
            self.shares = shares
            self.outline = outline
            self.mark = mark
        }
    }

    package var panels: [Panel]
    package var axis: Axis
    /// Below the axis.
    package var axisLabel: String
    /// What the areas, the marks and the outlines are; nil leaves the last out.
    package var legend: (area: String, mark: String, outline: String?)

    package init(
        panels: [Panel], axis: Axis, axisLabel: String, legend: (area: String, mark: String, outline: String?)
    ) {
        self.panels = panels
        self.axis = axis
        self.axisLabel = axisLabel
        self.legend = legend
    }

    /// More would not fit a page.
    package static let largestPanelCount = 64

    private static let area = Ink(176, 203, 226), edge = Ink(31, 90, 145), outline = Ink(204, 85, 0)
    private static let grey = Ink(110, 110, 110), faint = Ink(225, 225, 225)
    private static let left = 150.0, plotWidth = 830.0, rightMargin = 260.0, top = 70.0, bottom = 92.0, gap = 16.0
    private static let letters = 15.0
    private static let thin = 1.5, thick = 2.4

    private var panelHeight: Double { panels.count > 8 ? 72 : 116 }

    /// Draws the figure.
    /// - Throws: `Failure` `.usage` for no panels or too many.
    package func rendered() throws -> Image {
        guard !panels.isEmpty, panels.count <= Self.largestPanelCount else {
            throw Failure(
                .usage, "a figure cannot show \(panels.count) histograms", "choose 1 to \(Self.largestPanelCount)")
        }
        let plotHeight = Double(panels.count) * (panelHeight + Self.gap) - Self.gap
        let right = Self.left + Self.plotWidth, foot = Self.top + plotHeight
        var drawing = Drawing(width: Int(right + Self.rightMargin), height: Int(foot + Self.bottom))
        drawLegend(&drawing)
        let ticks = axis.ticks(about: 10)
        for (number, panel) in panels.enumerated() {
            let head = Self.top + Double(number) * (panelHeight + Self.gap)
            for tick in ticks { drawing.stroke([vertical(x(tick), head, head + panelHeight)], width: 1, Self.faint) }
            draw(panel, head: head, &drawing)
        }
        for tick in ticks {
            drawing.stroke([vertical(x(tick), foot, foot + 7)], width: Self.thin, .black)
            drawing.write(Axis.text(tick), x: x(tick), y: foot + 22, size: Self.letters, .black, .middle)
        }
        drawing.write(
            axisLabel, x: Self.left + Self.plotWidth / 2, y: foot + 58, size: Self.letters + 2, .black, .middle)
        drawing.write(
            "share of the samples (percent)", x: 28, y: Self.top + plotHeight / 2, size: Self.letters + 2, .black,
            .middle,
            upwards: true)
        return drawing.image
    }

    private func x(_ value: Double) -> Double { Self.left + Self.plotWidth * axis.position(of: value) }

    private func vertical(_ x: Double, _ from: Double, _ to: Double) -> Drawing.Segment { (x, from, x, to) }

    private func draw(_ panel: Panel, head: Double, _ drawing: inout Drawing) {
        let foot = head + panelHeight, right = Self.left + Self.plotWidth
        let peak = max(panel.shares.max() ?? 0, panel.outline?.max() ?? 0)
        // A little air above the highest cell.
        let height = { (share: Double) in foot - share / peak * (panelHeight - 8) }
        if peak > 0 {
            let sides = Self.sides(panel.shares.count)
            for (i, share) in panel.shares.enumerated() where share > 0 {
                drawing.fill(x: sides[i]...sides[i + 1], y: height(share)...foot, Self.area)
            }
            drawing.stroke(steps(panel.shares, foot, height), width: Self.thick, Self.edge)
            if let outline = panel.outline {
                drawing.stroke(steps(outline, foot, height), width: Self.thick, Self.outline)
            }
            if let mark = panel.mark, axis.range.contains(mark) {
                drawing.stroke([vertical(x(mark), head + 4, foot)], width: Self.thin, .black)
            }
            for tick in Axis(0...peak * 100).ticks(about: 2) {
                let y = height(tick / 100)
                drawing.stroke([(Self.left - 7, y, Self.left, y)], width: Self.thin, .black)
                drawing.write(Axis.text(tick), x: Self.left - 14, y: y, size: Self.letters, .black, .right)
            }
        } else {
            drawing.write(
                panel.sentence, x: Self.left + Self.plotWidth / 2, y: head + panelHeight / 2, size: Self.letters,
                Self.grey, .middle)
        }
        drawing.stroke(
            [(Self.left, head, Self.left, foot), (Self.left, foot, right, foot)], width: Self.thin, .black)
        for (line, text) in panel.lines.enumerated() {
            drawing.write(
                text, x: right + 18, y: head + 16 + Double(line) * 27, size: Self.letters,
                line == 0 ? .black : Self.grey)
        }
    }

    /// Where cells begin and end: at whole pixels, or their areas would show seams.
    private static func sides(_ count: Int) -> [Double] {
        (0...count).map { left + (Double($0) * plotWidth / Double(count)).rounded() }
    }

    /// The outline of a histogram, closed at both ends; nothing where it is empty.
    private func steps(_ shares: [Double], _ foot: Double, _ height: (Double) -> Double) -> [Drawing.Segment] {
        let sides = Self.sides(shares.count)
        var result: [Drawing.Segment] = []
        var last = foot
        for (i, share) in shares.enumerated() {
            let y = height(share)
            if y != last { result.append(vertical(sides[i], last, y)) }
            if share > 0 { result.append((sides[i], y, sides[i + 1], y)) }
            last = y
        }
        if last != foot { result.append(vertical(Self.left + Self.plotWidth, last, foot)) }
        return result
    }

    private func drawLegend(_ drawing: inout Drawing) {
        let y = 34.0
        var x = Self.left
        func name(_ text: String) {
            drawing.write(text, x: x + 44, y: y, size: Self.letters)
            x += 44 + Drawing.textWidth(text, size: Self.letters) + 46
        }
        drawing.fill(x: x...x + 34, y: y - 9...y + 9, Self.area)
        drawing.stroke(
            [(x, y + 9, x, y - 9), (x, y - 9, x + 34, y - 9), (x + 34, y - 9, x + 34, y + 9)], width: Self.thick,
            Self.edge)
        name(legend.area)
        drawing.stroke([vertical(x + 17, y - 10, y + 10)], width: Self.thin, .black)
        name(legend.mark)
        if let text = legend.outline {
            drawing.stroke([(x, y, x + 34, y)], width: Self.thick, Self.outline)
            name(text)
        }
    }
}
