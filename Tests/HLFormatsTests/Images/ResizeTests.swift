import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct ResizeTests: ImageSuite {
    @Test(arguments: [(17, 11), (30, 45), (61, 20), (70, 50), (1, 1), (61, 60)])
    func agreesWithPillow(width: Int, height: Int) throws {
        let source = try image("resize-source.rgb", width: 61, height: 45)
        let resized = try source.resized(width: width, height: height)
        #expect(resized.pixels.shape == [3, height, width])
        #expect(largestDifference(planes(resized), try contents("resize-\(width)x\(height).rgb")) <= 1)
    }

    @Test(arguments: [(17, 11), (70, 50)])
    func lanczosAgreesWithPillow(width: Int, height: Int) throws {
        let source = try image("resize-source.rgb", width: 61, height: 45)
        let resized = try source.resized(width: width, height: height, by: .lanczos)
        #expect(planes(resized) == (try contents("resize-lanczos-\(width)x\(height).rgb")))
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
