import HLFigures
import HLFormats
import TestSupport
import Testing

struct BarFigureTests {
    private func colour(_ image: Image, _ x: Double, _ y: Double) -> [UInt8] {
        let plane = image.width * image.height, place = Int(y) * image.width + Int(x)
        return image.withPlanes { planes in (0..<3).map { planes[$0 * plane + place] } }
    }

    private let figure = BarFigure(
        names: ["chunk 0", "chunks 1-3", "nothing"],
        panels: [
            .init(
                title: "kept", end: 100, values: [25, 75, nil], ranges: [20...30, nil, nil], texts: ["25", "75", ""],
                lines: [(50, "chance")]),
            .init(title: "change", end: 2, values: [0, 4, 1], ranges: [nil, nil, nil], texts: ["0", "4", "1"]),
        ], caption: "seven anchors")

    /// A bar is blue from 0 to its value and white beyond it, in every panel on its own scale.
    @Test func barsEndAtTheirValues() throws {
        let image = try figure.rendered(), blue: [UInt8] = [176, 203, 226], white: [UInt8] = [255, 255, 255]
        let first = figure.bar(row: 0, panel: 0), second = figure.bar(row: 1, panel: 0)
        let full = (second.right - second.left) / 0.75
        #expect(abs(first.right - first.left - full / 4) < 1e-9)
        // Beside the interval's line in the middle.
        #expect(colour(image, first.left + 5, first.middle + 6) == blue)
        #expect(colour(image, first.right - 3, first.middle + 8) == blue)
        #expect(colour(image, first.left + full * 0.9, first.middle + 8) == white)
        #expect(colour(image, second.left + full * 0.7, second.middle + 6) == blue)
        // Where the line of chance is.
        #expect(colour(image, first.left + full / 2, first.middle) == [204, 85, 0])
        // What has no value has no bar, and what is beyond the scale ends with it.
        let none = figure.bar(row: 2, panel: 0), beyond = figure.bar(row: 1, panel: 1)
        #expect(none.left == none.right && colour(image, none.left + 30, none.middle) == white)
        #expect(abs(beyond.right - beyond.left - full) < 1e-9 && figure.bar(row: 0, panel: 1).right == beyond.left)
    }

    @Test func tooManyRowsAreRefused() {
        let names = (0..<65).map(String.init), none = [Double?](repeating: 1, count: 65)
        let panel = BarFigure.Panel(
            title: "", end: 1, values: none, ranges: none.map { _ in nil }, texts: names)
        #expect(failure { _ = try BarFigure(names: names, panels: [panel], caption: "").rendered() }?.kind == .usage)
        #expect(failure { _ = try BarFigure(names: [], panels: [], caption: "").rendered() }?.kind == .usage)
    }
}
