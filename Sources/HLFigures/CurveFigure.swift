import HLFormats
import HLTensor

/// Lines over one axis, in panels one below the other that each have a scale of their own.
package struct CurveFigure: Sendable {
    package struct Line: Sendable {
        /// Its place in `names`, which gives its colour.
        package var name: Int
        /// In the order in which they are joined; finite.
        package var points: [(x: Double, y: Double)]

        package init(name: Int, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points
        }
    }

    package struct Panel: Sendable {
        /// What stands beside its axis.
        package var title: String
        package var axis: Axis
        package var lines: [Line]

        package init(title: String, axis: Axis, lines: [Line]) {
            (self.title, self.axis, self.lines) = (title, axis, lines)
        }
    }

    package var panels: [Panel]
    /// Of the lines, for the legend.
    package var names: [String]
    package var axis: Axis
    /// Numbers to mark on the axis; nil marks round ones.
    package var ticks: [Double]?
    /// Below the axis.
    package var axisLabel: String

    package init(panels: [Panel], names: [String], axis: Axis, ticks: [Double]? = nil, axisLabel: String) {
        self.panels = panels
        self.names = names
        self.axis = axis
        self.ticks = ticks
        self.axisLabel = axisLabel
    }

    /// More could not be told apart.
    package static let largestLineCount = 24
    package static let largestPanelCount = 8

    /// Colours that people with any vision tell apart (Okabe and Ito), and darker ones of them.
    private static let inks = [
        Ink(0, 114, 178), Ink(213, 94, 0), Ink(0, 158, 115), Ink(204, 121, 167), Ink(86, 180, 233), Ink(230, 159, 0),
        Ink(60, 60, 60), Ink(150, 90, 40),
    ]
    private static let faint = Ink(225, 225, 225)
    private static let left = 130.0, plotWidth = 760.0, top = 30.0, bottom = 80.0, gap = 30.0, letters = 14.0
    private static let thin = 1.5

    private var panelHeight: Double { panels.count > 2 ? 180 : 300 }

    /// Pixels from the top to the head of a panel.
    private func head(_ panel: Int) -> Double { Self.top + Double(panel) * (panelHeight + Self.gap) }

    /// Where a point of a panel is on the picture, for who wants to find it.
    package func place(x: Double, y: Double, panel: Int) -> (x: Double, y: Double) {
        let foot = head(panel) + panelHeight
        return (
            Self.left + Self.plotWidth * axis.position(of: x),
            foot - panelHeight * panels[panel].axis.position(of: y)
        )
    }

    /// The colour of a line.
    package static func ink(_ name: Int) -> Ink {
        let ink = inks[name % inks.count], shade = 1 - 0.35 * Double(name / inks.count)
        return Ink((ink.red * shade).rounded(), (ink.green * shade).rounded(), (ink.blue * shade).rounded())
    }

    /// Draws the figure.
    /// - Throws: `Failure(.usage)` for no lines or panels, or too many.
    package func rendered() throws -> Image {
        guard (1...Self.largestLineCount).contains(names.count) else {
            throw Failure(
                .usage, "a figure cannot show \(names.count) lines", "choose 1 to \(Self.largestLineCount) runs")
        }
        guard (1...Self.largestPanelCount).contains(panels.count) else {
            throw Failure(
                .usage, "a figure cannot show \(panels.count) values", "choose 1 to \(Self.largestPanelCount)")
        }
        let right = Self.left + Self.plotWidth, foot = head(panels.count - 1) + panelHeight
        let legend = names.map { Drawing.textWidth($0, size: Self.letters) }.max() ?? 0
        let height = max(foot + Self.bottom, Self.top + Double(names.count) * 26 + 20)
        var drawing = Drawing(width: Int(right + 80 + legend), height: Int(height))
        let ticks = self.ticks ?? axis.ticks(about: 8)
        for number in panels.indices { draw(number, ticks, &drawing) }
        for tick in ticks {
            let x = place(x: tick, y: 0, panel: 0).x
            drawing.stroke([(x, foot, x, foot + 7)], width: Self.thin, .black)
            drawing.write(Axis.text(tick), x: x, y: foot + 22, size: Self.letters, .black, .middle)
        }
        drawing.write(
            axisLabel, x: Self.left + Self.plotWidth / 2, y: foot + 56, size: Self.letters + 2, .black, .middle)
        for (number, name) in names.enumerated() {
            let y = Self.top + 10 + Double(number) * 26
            drawing.stroke([(right + 18, y, right + 46, y)], width: 3, Self.ink(number))
            drawing.write(name, x: right + 56, y: y, size: Self.letters)
        }
        return drawing.image
    }

    private func draw(_ number: Int, _ ticks: [Double], _ drawing: inout Drawing) {
        let panel = panels[number], head = head(number), foot = head + panelHeight, right = Self.left + Self.plotWidth
        for tick in ticks {
            let x = place(x: tick, y: 0, panel: number).x
            drawing.stroke([(x, head, x, foot)], width: 1, Self.faint)
        }
        for tick in panel.axis.ticks(about: panelHeight > 200 ? 6 : 4) {
            let y = place(x: axis.range.lowerBound, y: tick, panel: number).y
            drawing.stroke([(Self.left, y, right, y)], width: 1, Self.faint)
            drawing.stroke([(Self.left - 7, y, Self.left, y)], width: Self.thin, .black)
            drawing.write(Axis.text(tick), x: Self.left - 14, y: y, size: Self.letters, .black, .right)
        }
        for line in panel.lines {
            let places = line.points.map { place(x: $0.x, y: $0.y, panel: number) }, ink = Self.ink(line.name)
            // A few at a time: each stroke looks at every pixel around all of it.
            let segments = zip(places, places.dropFirst()).map { ($0.x, $0.y, $1.x, $1.y) as Drawing.Segment }
            for first in stride(from: 0, to: segments.count, by: 4) {
                drawing.stroke(Array(segments[first..<min(first + 4, segments.count)]), width: 2.2, ink)
            }
            guard places.count <= 24 else { continue }
            for place in places { drawing.stroke([(place.x, place.y, place.x, place.y)], width: 8, ink) }
        }
        drawing.stroke([(Self.left, head, Self.left, foot), (Self.left, foot, right, foot)], width: Self.thin, .black)
        drawing.write(
            panel.title, x: 28, y: (head + foot) / 2, size: Self.letters + 2, .black, .middle, upwards: true)
    }
}
