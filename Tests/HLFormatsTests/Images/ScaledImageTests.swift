import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct ScaledImageTests: ImageSuite {
    private func decode(_ file: String, covering width: Int, by height: Int) throws -> Image {
        try contents(file).withUnsafeBytes { try Image(bytes: $0, covering: width, by: height, name: file) }
    }

    @Test(.enabled(if: Image.readsJPEG, "this build has no JPEG reader"), arguments: [4, 2])
    func scalesAreThoseOfPillowsDraft(parts: Int) throws {
        let (width, height) = ((203 + parts - 1) / parts, (151 + parts - 1) / parts)
        let image = try decode("photo.jpg", covering: width / 2, by: height / 2)
        #expect(image.pixels.shape == [3, height, width])
        // Releases of libjpeg-turbo round differently.
        #expect(largestDifference(planes(image), try contents("photo-1-\(parts).rgb")) <= 2)
    }

    @Test(
        .enabled(if: Image.readsJPEG, "this build has no JPEG reader"),
        arguments: [(203, 151), (150, 100), (81, 60), (64, 48), (51, 38), (33, 25), (26, 19), (15, 10), (9, 7), (3, 2)])
    func aSmallImageIsAsFromTheWholeOne(width: Int, height: Int) throws {
        for file in ["photo.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"] {
            let whole = try Image.read(path: path(file))
            if whole.width < width || whole.height < height { continue }
            let scaled = try decode(file, covering: width, by: height)
            #expect(scaled.width >= width && scaled.height >= height)
            let expected = planes(try whole.resized(width: width, height: height))
            let found = planes(try scaled.resized(width: width, height: height))
            let sum = zip(expected, found).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            #expect(Double(sum) / Double(found.count) < 3, "\(file)")
        }
    }

    @Test(.enabled(if: Image.readsJPEG, "this build has no JPEG reader"))
    func oneSideCanAskForMoreThanTheOther() throws {
        #expect(try decode("photo.jpg", covering: 1, by: 1).pixels.shape == [3, 38, 51])
        #expect(try decode("photo.jpg", covering: 1, by: 26).pixels.shape == [3, 76, 102])
        #expect(try decode("photo.jpg", covering: 82, by: 1).pixels.shape == [3, 151, 203])
        #expect(try decode("photo.jpg", covering: 5000, by: 5000).pixels.shape == [3, 151, 203])
    }

    /// Regions on and off the borders of blocks, at the edges of the image and in it.
    @Test func aRegionIsAsCutOutOfTheWhole() throws {
        var files = ["rgb8.png"]
        if Image.readsJPEG {
            files += ["photo.jpg", "colour420.jpg", "colour444.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"]
        }
        if Image.readsWebP { files.append("lossy.webp") }
        for file in files {
            let bytes = try contents(file)
            let whole = try Image.read(path: path(file))
            let (width, height) = (whole.width, whole.height)
            var words = RandomKey(seed: 1, purpose: .shuffle).sequence(id: 0)
            var regions = [
                Image.Region(left: 0, top: 0, width: width, height: height),
                Image.Region(left: width - 1, top: height - 1, width: 1, height: 1),
            ]
            for _ in 0..<200 {
                let part = (1 + Int(words.nextWord()) % width, 1 + Int(words.nextWord()) % height)
                let left = Int(words.nextWord()) % (width - part.0 + 1),
                    top = Int(words.nextWord()) % (height - part.1 + 1)
                regions.append(Image.Region(left: left, top: top, width: part.0, height: part.1))
            }
            for region in regions {
                let part = try bytes.withUnsafeBytes { try Image(bytes: $0, region: region, name: file) }
                #expect(part.pixels.shape == [3, region.height, region.width])
                #expect(planes(part) == planes(whole.cut(region)), "\(file) \(region)")
            }
        }
        let inside = Image.Region(left: 1, top: 2, width: 3, height: 4)
        #expect(inside.isWithin(width: 4, height: 6) && !inside.isWithin(width: 3, height: 6))
        #expect(!inside.isWithin(width: 4, height: 5))
    }

    @Test(.enabled(if: Image.readsJPEG, "this build has no JPEG reader"))
    func aRegionOfAFileThatIsCutAboveItIsAnError() throws {
        let bytes = try contents("photo.jpg"), half = Array(bytes[..<(bytes.count / 2)])
        let low = Image.Region(left: 20, top: 120, width: 50, height: 30)
        let found = failure { _ = try half.withUnsafeBytes { try Image(bytes: $0, region: low, name: "cut.jpg") } }
        #expect(found?.kind == .data && found?.what == "cut.jpg is a truncated JPEG file")
    }

    @Test func otherFormatsAreDecodedWhole() throws {
        #expect(planes(try decode("rgb8.png", covering: 2, by: 2)) == (try contents("rgb8.rgb")))
        if Image.readsWebP {
            #expect(planes(try decode("lossy.webp", covering: 2, by: 2)) == (try contents("lossy.rgb")))
        }
    }

    @Test func aSizeIsKnownFromTheHeader() throws {
        var sizes = [("rgb8.png", 21, 13)]
        if Image.readsJPEG { sizes += [("photo.jpg", 203, 151), ("progressive.jpg", 40, 27)] }
        if Image.readsWebP { sizes += [("lossy.webp", 41, 27), ("lossless-alpha.webp", 41, 27)] }
        for (file, width, height) in sizes {
            let bytes = try contents(file)
            let size = try bytes.withUnsafeBytes { try Image.size(of: $0, name: file) }
            #expect(size == (width, height), "\(file)")
            let cut = Array(bytes[..<14])
            #expect(failure { _ = try cut.withUnsafeBytes { try Image.size(of: $0, name: file) } }?.kind == .data)
        }
        let huge = try contents("huge.png")
        #expect(failure { _ = try huge.withUnsafeBytes { try Image.size(of: $0, name: "huge.png") } }?.kind == .data)
    }
}
