import Foundation
import HLTensor
import Testing

import HLFigures
import HLFormats

/// What the fixtures hold is said in `Fixtures/images/make_image_fixtures.py`.
private func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Fixtures/images/\(name)").path
}

private func contents(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
}

private func planes(_ image: Image) -> [UInt8] { image.withPlanes(Array.init) }

private func decode(_ bytes: [UInt8], name: String = "image") throws -> Image {
    try bytes.withUnsafeBytes { try Image(bytes: $0, name: name) }
}

private func failure(_ body: () throws -> Void) -> Failure? {
    do { try body() } catch { return error as? Failure }
    return nil
}

private func largestDifference(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.count == right.count ? zip(left, right).map { abs(Int($0) - Int($1)) }.max() ?? 0 : .max
}

private func image(_ fixture: String, width: Int, height: Int) throws -> Image {
    let bytes = try contents(fixture)
    return Image(width: width, height: height) { _ = $0.update(fromContentsOf: bytes) }
}

@Suite struct PNGTests {
    @Test(arguments: [
        "rgb8", "rgb8-interlaced", "rgb8-gamma", "rgba8", "rgb16", "grey1", "grey2", "grey4", "grey8", "grey-alpha8",
        "palette4",
    ])
    func everyKindIsReadAsPillowReadsIt(kind: String) throws {
        let image = try Image.read(path: path("\(kind).png"))
        #expect(image.pixels.shape == [3, 13, 21])
        #expect(planes(image) == (try contents("\(kind).rgb")))
    }

    @Test func writingAndReadingKeepsEveryPixel() throws {
        let original = try Image.read(path: path("rgb8.png"))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString).png").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try original.writePNG(to: file)
        #expect(planes(try Image.read(path: file)) == planes(original))
        #expect(try original.pngBytes() == original.pngBytes())
    }

    /// Noise does not compress, so the file is larger than the pixels.
    @Test func incompressibleImagesAreWrittenWhole() throws {
        var words = RandomKey(seed: 1, purpose: .noiseImage).sequence(id: 0)
        let noise = Image(width: 300, height: 200) { for i in $0.indices { $0[i] = UInt8(words.nextWord() & 255) } }
        #expect(planes(try decode(noise.pngBytes())) == planes(noise))
    }

    @Test(arguments: ["rgb8", "palette4", "rgb8-interlaced"])
    func cutAnywhereIsAnError(kind: String) throws {
        let bytes = try contents("\(kind).png")
        for count in 0..<bytes.count {
            let failure = failure { _ = try decode(Array(bytes[..<count]), name: "cut.png") }
            #expect(failure?.kind == .data && failure?.what.contains("cut.png") == true, "\(count) bytes")
        }
    }

    /// CRCs guard every chunk that matters; flipped bits may only end in an error, or leave the pixels alone.
    @Test func flippedBitsNeverChangePixelsSilently() throws {
        let bytes = try contents("rgb8.png")
        let good = planes(try decode(bytes))
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            if let image = try? decode(damaged) { #expect(planes(image) == good, "byte \(position)") }
        }
    }

    @Test func aSizeThatTheFileDoesNotBackIsRefused() throws {
        let claim = failure { _ = try Image.read(path: path("claims-too-much.png")) }
        #expect(claim?.kind == .data && claim?.what.contains("truncated") == true)
        let huge = failure { _ = try Image.read(path: path("huge.png")) }
        #expect(huge?.kind == .data && huge?.what.contains("2147483647 x 2147483647") == true)
    }
}

@Suite struct ImageFileTests {
    @Test func whatIsNoImageSaysSo() throws {
        #expect(failure { _ = try Image.read(path: path("missing.png")) }?.kind == .noInput)
        #expect(failure { _ = try Image.read(path: path("")) }?.kind == .noInput)
        let text = failure { _ = try decode(Array("a text".utf8), name: "notes.jpg") }
        #expect(text?.kind == .data && text?.what == "notes.jpg is neither a PNG nor a JPEG file")
        #expect(failure { _ = try decode([], name: "empty.jpg") }?.what == "empty.jpg is empty")
    }

    @Test func anUnwritablePlaceIsSaid() throws {
        let image = Image(width: 2, height: 2, grey: 9)
        #expect(failure { try image.writePNG(to: "/nonexistent/x.png") }?.kind == .cannotCreate)
    }
}

@Suite(.enabled(if: Image.readsJPEG, "this build has no JPEG reader")) struct JPEGTests {
    /// Within two levels, because releases of libjpeg-turbo round differently.
    @Test(arguments: ["colour420", "colour444", "progressive", "grey", "cmyk"])
    func everyKindIsReadAsPillowReadsIt(kind: String) throws {
        let image = try Image.read(path: path("\(kind).jpg"))
        #expect(image.pixels.shape == [3, 27, 40])
        #expect(largestDifference(planes(image), try contents("\(kind).rgb")) <= 2)
    }

    @Test(arguments: ["colour420", "progressive", "grey", "cmyk"])
    func cutAnywhereIsAnError(kind: String) throws {
        let bytes = try contents("\(kind).jpg")
        for count in 0..<bytes.count {
            let failure = failure { _ = try decode(Array(bytes[..<count]), name: "cut.jpg") }
            #expect(failure?.kind == .data && failure?.what.contains("cut.jpg") == true, "\(count) bytes")
        }
        let half = failure { _ = try decode(Array(bytes[..<(bytes.count - 100)]), name: "cut.jpg") }
        #expect(half?.what == "cut.jpg is a truncated JPEG file")
    }

    /// JPEG has no checksums: damage may pass as other pixels, but never as a crash or another size of memory.
    @Test func flippedBitsNeverCrash() throws {
        for kind in ["colour420", "progressive", "cmyk"] {
            let bytes = try contents("\(kind).jpg")
            for position in bytes.indices {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(position % 8)
                if let failure = failure({ _ = try decode(damaged) }) { #expect(failure.kind == .data) }
            }
        }
    }

    @Test func aSizeBeyondTheLimitIsRefused() throws {
        var bytes = try contents("grey.jpg")
        let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0x00, 0xFF, 0x00])
        let failure = failure { _ = try decode(bytes, name: "huge.jpg") }
        #expect(failure?.kind == .data && failure?.what.contains("65280 x 65280") == true)
    }
}

@Suite struct ResizeTests {
    @Test(arguments: [(17, 11), (30, 45), (61, 20), (70, 50), (1, 1), (61, 60)])
    func agreesWithPillow(width: Int, height: Int) throws {
        let source = try image("resize-source.rgb", width: 61, height: 45)
        let resized = try source.resized(width: width, height: height)
        #expect(resized.pixels.shape == [3, height, width])
        #expect(largestDifference(planes(resized), try contents("resize-\(width)x\(height).rgb")) <= 1)
    }

    @Test func shortSideAndCropAgreeWithTorchvision() throws {
        let source = try image("resize-source.rgb", width: 61, height: 45)
        #expect(try source.resizedShortSide(to: 24).pixels.shape == [3, 24, 32])
        let square = try source.squared(to: 24)
        #expect(largestDifference(planes(square), try contents("resize-square24.rgb")) <= 1)
    }

    @Test func anImageOfTheRightSizeIsUntouched() throws {
        let source = try Image.read(path: path("rgb8.png")).centreCropped(to: 13)
        #expect(planes(try source.squared(to: 13)) == planes(source))
    }

    /// The middle pixels of a ramp that tells every position apart.
    @Test func theCropIsCentred() throws {
        let ramp = Image(width: 7, height: 4) { for i in $0.indices { $0[i] = UInt8(i) } }
        let crop = planes(try ramp.centreCropped(to: 2))
        // (7 - 2) / 2 rounds to the even 2; (4 - 2) / 2 = 1.
        #expect(crop == [9, 10, 16, 17] + [37, 38, 44, 45] + [65, 66, 72, 73])
    }

    @Test func badSizesAreRefused() throws {
        let small = Image(width: 4, height: 4, grey: 0)
        #expect(failure { _ = try small.resized(width: 0, height: 4) }?.kind == .usage)
        #expect(failure { _ = try small.resizedShortSide(to: .max) }?.kind == .usage)
        #expect(failure { _ = try small.centreCropped(to: 5) }?.kind == .usage)
        #expect(failure { _ = try Image(width: 9000, height: 1, grey: 0).squared(to: 64) }?.kind == .usage)
    }
}

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
        #expect(planes(try sheet.rendered()) == [10, 10, 11, 11, 10, 10, 11, 11] + [12, 12, 13, 13, 12, 12, 13, 13]
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
