import HLFigures
import HLFormats
import TestSupport
import Testing

struct CurveFigureTests {
    private func colour(_ image: Image, _ place: (x: Double, y: Double)) -> [UInt8] {
        let plane = image.width * image.height, index = Int(place.y) * image.width + Int(place.x)
        return image.withPlanes { planes in (0..<3).map { planes[$0 * plane + index] } }
    }

    /// At the middle of a line, which may lie between two pixels.
    private func isInk(_ name: Int, _ image: Image, _ place: (x: Double, y: Double)) -> Bool {
        zip(colour(image, place), ink(name)).allSatisfy { abs(Int($0) - Int($1)) < 32 }
    }

    private func ink(_ name: Int) -> [UInt8] {
        let ink = CurveFigure.ink(name)
        return [ink.red, ink.green, ink.blue].map { UInt8($0) }
    }

    private let figure = CurveFigure(
        panels: [
            .init(
                title: "loss", axis: Axis(0...8),
                lines: [
                    .init(name: 0, points: (0...100).map { (Double($0), 8 - Double($0) * 0.08) }),
                    .init(name: 1, points: [(0, 2), (50, 2), (100, 6)]),
                ]),
            .init(title: "spread", axis: Axis(-1...1), lines: [.init(name: 1, points: [(0, -1), (100, 1)])]),
        ], names: ["first", "second"], axis: Axis(0...100), axisLabel: "samples")

    /// Where a line's values are, its colour is, in each panel on its own scale, and nowhere else.
    @Test func linesGoThroughTheirPoints() throws {
        let image = try figure.rendered()
        #expect(isInk(0, image, figure.place(x: 30, y: 5.6, panel: 0)))
        #expect(isInk(1, image, figure.place(x: 30, y: 2, panel: 0)))
        #expect(isInk(1, image, figure.place(x: 75, y: 4, panel: 0)))
        #expect(isInk(1, image, figure.place(x: 26, y: -0.48, panel: 1)))
        #expect(colour(image, figure.place(x: 31, y: 7.4, panel: 0)) == [255, 255, 255])
        // Few points have dots: wider than the line.
        let dot = figure.place(x: 50, y: 2, panel: 0), line = figure.place(x: 25, y: 2, panel: 0)
        #expect(isInk(1, image, (dot.x, dot.y + 3)))
        #expect(!isInk(1, image, (line.x + 2, line.y + 3)))
    }

    @Test func linesAreToldApart() {
        #expect(Set((0..<CurveFigure.largestLineCount).map { ink($0) }).count == CurveFigure.largestLineCount)
    }

    @Test func whatDoesNotFitIsRefused() {
        var many = figure
        many.names = (0...CurveFigure.largestLineCount).map(String.init)
        #expect(failure { _ = try many.rendered() }?.kind == .usage)
        many.names = ["one"]
        many.panels = []
        #expect(failure { _ = try many.rendered() }?.kind == .usage)
    }
}
