import HLFormats
import HLTensor
import TestSupport
import Testing

/// Parts of images in one pass from their bytes.
@Suite struct EncodedImageTests: ImageSuite {
    private static let files =
        ["rgb8.png"]
        + (Image.readsJPEG ? ["photo.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "colour444.jpg"] : [])
        + (Image.readsWebP ? ["lossy.webp"] : [])

    private func make(
        _ file: String, side: Int, scaled: Bool = false, _ framings: [Framing]
    ) throws -> [[UInt8]] {
        let image = try EncodedImage(SystemPath(path(file)))
        var results = framings.map { _ in [UInt8](repeating: 0, count: 3 * side * side) }
        try results.withUnsafeMutableBufferPointer { results in
            let buffers = results.map { _ in UnsafeMutablePointer<UInt8>.allocate(capacity: 3 * side * side) }
            defer { buffers.forEach { $0.deallocate() } }
            try image.make(side: side, scaled: scaled, into: { buffers[$0] }) { _, _ in framings }
            for index in results.indices {
                results[index] = Array(UnsafeBufferPointer(start: buffers[index], count: 3 * side * side))
            }
        }
        return results
    }

    private func meanDifference(_ a: [UInt8], _ b: [UInt8]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(a.count)
    }

    private func mirrored(_ planes: [UInt8], side: Int) -> [UInt8] {
        stride(from: 0, to: planes.count, by: side).flatMap { planes[$0..<$0 + side].reversed() }
    }

    @Test(arguments: files, [5, 12, 24, 64]) func theMiddleIsAsResizedAndCut(file: String, side: Int) throws {
        let expected = planes(try Image.read(path: path(file)).squared(to: side))
        #expect(try make(file, side: side, [.middle])[0] == expected)
    }

    /// torchvision's `resized_crop`: what is cut out knows nothing of what was beside it.
    @Test(arguments: files) func aCropIsAsCutOutAndResized(file: String) throws {
        let whole = try Image.read(path: path(file))
        var words = RandomKey(seed: 2, purpose: .shuffle).sequence(id: 0)
        for _ in 0..<40 {
            let width = 1 + Int(words.nextWord()) % whole.width, height = 1 + Int(words.nextWord()) % whole.height
            let left = Int(words.nextWord()) % (whole.width - width + 1)
            let top = Int(words.nextWord()) % (whole.height - height + 1)
            let region = Image.Region(left: left, top: top, width: width, height: height)
            let expected = planes(try whole.cut(region).resized(width: 9, height: 9))
            let framings: [Framing] = [false, true].map {
                .crop(
                    ImageCrop(
                        left: Double(left), top: Double(top), width: Double(width), height: Double(height),
                        isMirrored: $0))
            }
            // Both of one pass, and a third that needs other pixels.
            let found = try make(file, side: 9, framings + [.middle])
            #expect(found[0] == expected, "\(region)")
            #expect(found[1] == mirrored(expected, side: 9), "\(region)")
            #expect(found[2] == planes(try whole.squared(to: 9)))
        }
    }

    @Test(.enabled(if: Image.readsJPEG, "this build has no JPEG reader"))
    func scaledDecodingIsCloseToWhole() throws {
        let file = "photo.jpg"
        let framings: [Framing] =
            [.middle]
            + [(0, 0, 203, 151), (20, 10, 150, 120), (101, 3, 100, 100), (33, 50, 64, 90)].map {
                left, top, width, height in
                .crop(ImageCrop(left: left, top: top, width: width, height: height, isMirrored: false))
            }
        for side in [8, 16, 24, 40] {
            let whole = try make(file, side: side, framings)
            for (index, framing) in framings.enumerated() {
                let scaled = try make(file, side: side, scaled: true, [framing])[0]
                #expect(meanDifference(scaled, whole[index]) < 3, "\(side) \(framing)")
            }
            // Of several, the one that needs most decides.
            let together = try make(file, side: side, scaled: true, framings)
            for (a, b) in zip(together, whole) { #expect(meanDifference(a, b) < 3) }
        }
        // It is scaled: a quarter has other bits.
        #expect(try make(file, side: 8, scaled: true, [.middle]) != make(file, side: 8, [.middle]))
    }

    /// A region at a scale is what the whole at that scale has there.
    @Test(.enabled(if: Image.readsJPEG, "this build has no JPEG reader"))
    func aRegionAtAScaleIsAsOfTheWholeAtThatScale() throws {
        for file in ["photo.jpg", "colour420.jpg", "colour444.jpg"] {
            let bytes = try contents(file)
            let size = try bytes.withUnsafeBytes { try Image.size(of: $0, name: file) }
            for (parts, side) in [(2, size.height / 3), (4, size.height / 7)] {
                let scaled = try bytes.withUnsafeBytes {
                    try Image(bytes: $0, covering: side, by: side, name: file)
                }
                #expect(scaled.width == (size.width + parts - 1) / parts, "\(file)")
                // An even corner is a whole pixel at the scale.
                let (left, top) = (size.width / 2 / parts, size.height / 3 / parts)
                let (width, height) = (scaled.width - left - 1, scaled.height - top - 1)
                let region = Image.Region(left: left, top: top, width: width, height: height)
                let small = min(width, height) * 2 / 3
                let found = try make(
                    file, side: small, scaled: true,
                    [
                        .crop(
                            ImageCrop(
                                left: Double(left * parts), top: Double(top * parts), width: Double(width * parts),
                                height: Double(height * parts), isMirrored: false))
                    ])[0]
                #expect(
                    found == planes(try scaled.cut(region).resized(width: small, height: small)), "\(file) \(parts)")
            }
        }
    }

    /// On a ramp every linear filter gives the place itself.
    @Test func edgesMayCutPixels() throws {
        let ramp = Image(width: 64, height: 48) { pixels in
            for index in pixels.indices {
                pixels[index] = UInt8(index / 64 / 48 == 0 ? index % 64 * 4 : index / 64 % 48 * 4)
            }
        }
        let crop = ImageCrop(left: 10.25, top: 7.5, width: 30.5, height: 20.25, isMirrored: false)
        let side = 10
        var pixels = [UInt8](repeating: 0, count: 3 * side * side)
        try pixels.withUnsafeMutableBufferPointer { pixels in
            let start = try #require(pixels.baseAddress)
            try EncodedImage(ramp, name: "ramp").make(side: side, scaled: true, into: { _ in start }) { _, _ in
                [.crop(crop)]
            }
        }
        for y in 1..<side - 1 {
            for x in 1..<side - 1 {
                let across = (10.25 + (Double(x) + 0.5) * 3.05 - 0.5) * 4
                let down = (7.5 + (Double(y) + 0.5) * 2.025 - 0.5) * 4
                #expect(abs(Double(pixels[y * side + x]) - across) <= 1)
                #expect(abs(Double(pixels[side * side + y * side + x]) - down) <= 1)
            }
        }
    }

    @Test func aStripThatGrowsBeyondAllBoundsIsRefused() throws {
        let strip = EncodedImage(Image(width: 9000, height: 1, grey: 0), name: "strip")
        let found = failure {
            try strip.make(side: 64, scaled: false, into: { _ in fatalError() }) { _, _ in [.middle] }
        }
        #expect(found?.kind == .data)
    }
}
