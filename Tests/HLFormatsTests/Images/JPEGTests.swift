import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite(.enabled(if: Image.readsJPEG, "this build has no JPEG reader")) struct JPEGTests: ImageSuite {
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
            let found = failure { _ = try decode(Array(bytes[..<count]), name: "cut.jpg") }
            #expect(found?.kind == .data && found?.what.contains("cut.jpg") == true, "\(count) bytes")
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
                if let found = failure({ _ = try decode(damaged) }) { #expect(found.kind == .data) }
            }
        }
    }

    @Test func aSizeBeyondTheLimitIsRefused() throws {
        var bytes = try contents("grey.jpg")
        let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0x00, 0xFF, 0x00])
        let found = failure { _ = try decode(bytes, name: "huge.jpg") }
        #expect(found?.kind == .data && found?.what.contains("65280 x 65280") == true)
    }
}
