import HLFigures
import HLFormats
import TestSupport
import Testing

struct ConfusionFigureTests {
    private func colour(_ image: Image, _ x: Int, _ y: Int) -> [UInt8] {
        let plane = image.width * image.height
        return image.withPlanes { planes in (0..<3).map { planes[$0 * plane + y * image.width + x] } }
    }

    @Test func cellsHaveTheColourOfTheirShare() throws {
        let figure = ConfusionFigure(counts: [[4, 0], [1, 1]], names: ["one", "two"])
        let image = try figure.rendered(), cell = figure.cell
        func corner(_ row: Int, _ column: Int) -> [UInt8] {
            colour(image, figure.left + column * cell + 4, figure.top + row * cell + 4)
        }
        #expect(cell == 44 && image.width == figure.left + 2 * cell + 20)
        // All of class one is right: the blue itself. Class two is half right and half wrong.
        #expect(corner(0, 0) == [31, 90, 145])
        #expect(corner(0, 1) == [255, 255, 255])
        #expect(corner(1, 1) == [143, 173, 200])
        #expect(corner(1, 0) == [230, 170, 128])
    }

    @Test func manyClassesHaveSmallCellsWithoutNames() throws {
        let counts = (0..<300).map { row in (0..<300).map { $0 == row ? 5 : 0 } }
        let figure = ConfusionFigure(counts: counts, names: (0..<300).map { "class \($0)" })
        let image = try figure.rendered()
        #expect(figure.cell == 2 && image.width == figure.left + 600 + 20)
        #expect(colour(image, figure.left + 101, figure.top + 100) == [31, 90, 145])
        #expect(colour(image, figure.left + 101, figure.top + 104) == [255, 255, 255])
    }

    @Test func tooManyClassesAreRefused() {
        let figure = ConfusionFigure(
            counts: [[Int]](repeating: [Int](repeating: 0, count: 1001), count: 1001),
            names: [String](repeating: "", count: 1001))
        #expect(failure { _ = try figure.rendered() }?.kind == .usage)
        #expect(failure { _ = try ConfusionFigure(counts: [], names: []).rendered() }?.kind == .usage)
    }
}
