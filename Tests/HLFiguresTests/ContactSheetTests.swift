import HLFigures
import HLFormats
import HLTensor
import TestSupport
import Testing

private func planes(_ image: Image) -> [UInt8] { image.withPlanes(Array.init) }

@Suite struct ContactSheetTests {
    private let grey = Image(width: 10, height: 8, grey: 100)

    @Test func cellsStandOnAGrid() throws {
        var sheet = ContactSheet(rows: [[grey, grey, grey], [grey]])
        sheet.margin = 3
        sheet.zoom = 2
        let drawn = try sheet.rendered()
        #expect(drawn.width == 3 + 3 * (20 + 3))
        #expect(drawn.height == 3 + 2 * (16 + 3))
        // Four images in three planes, and nothing else is grey.
        #expect(planes(drawn).filter { $0 == 100 }.count == 4 * 3 * 20 * 16)
        #expect(planes(drawn).filter { $0 == 255 }.count == planes(drawn).count - 4 * 3 * 20 * 16)
    }

    @Test func zoomRepeatsPixels() throws {
        let ramp = Image(width: 2, height: 1) { for i in $0.indices { $0[i] = UInt8(10 + i) } }
        var sheet = ContactSheet(rows: [[ramp]])
        sheet.margin = 0
        sheet.zoom = 2
        #expect(
            planes(try sheet.rendered()) == [10, 10, 11, 11, 10, 10, 11, 11] + [12, 12, 13, 13, 12, 12, 13, 13]
                + [14, 14, 15, 15, 14, 14, 15, 15])
    }

    @Test func captionsTakeTheirRoomAndAreDrawn() throws {
        var sheet = ContactSheet(rows: [[grey, grey], [grey, grey]])
        sheet.zoom = 4
        sheet.captionScale = 1
        sheet.rowCaptions = ["z.0", "chunk 1"]
        sheet.columnCaptions = ["one two three", "x"]
        let drawn = try sheet.rendered()
        let text = 7 * 6 - 1
        // 40 pixels hold 6 letters: "one", "two", "three" on a line each.
        #expect(drawn.width == 4 + text + 4 + 2 * (40 + 4))
        #expect(drawn.height == 4 + 3 * 10 + 4 + 2 * (32 + 4))
        #expect(planes(drawn).contains(0))
    }

    @Test func longWordsAreBroken() {
        #expect(ContactSheet.wrapped("ab abcdefgh i", to: 3) == ["ab", "abc", "def", "gh", "i"])
        #expect(ContactSheet.wrapped("a b c", to: 3) == ["a b", "c"])
        #expect(ContactSheet.wrapped("", to: 3) == [])
    }

    /// Every printable character has its own drawing.
    @Test func theFontTellsAllCharactersApart() {
        var drawings: Set<[Int]> = []
        for code in UInt8(32)..<127 {
            var ink: [Int] = []
            BitmapFont.forEachInkPixel(of: String(UnicodeScalar(code))) { ink.append($1 * 5 + $0) }
            #expect(ink.allSatisfy { (0..<45).contains($0) })
            drawings.insert(ink)
        }
        #expect(drawings.count == 95)
    }

    @Test func emptyAndOversizedSheetsAreRefused() {
        #expect(failure { _ = try ContactSheet(rows: []).rendered() }?.kind == .data)
        #expect(failure { _ = try ContactSheet(rows: [[], []]).rendered() }?.kind == .data)
        let crowd = Array(repeating: grey, count: 100)
        for zoom in [0, -1, .max, 256] {
            var sheet = ContactSheet(rows: [crowd])
            sheet.zoom = zoom
            #expect(failure { _ = try sheet.rendered() }?.kind == .usage)
        }
    }
}
