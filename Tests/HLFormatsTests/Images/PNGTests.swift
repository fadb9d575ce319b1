import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct PNGTests: ImageSuite {
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
            let found = failure { _ = try decode(Array(bytes[..<count]), name: "cut.png") }
            #expect(found?.kind == .data && found?.what.contains("cut.png") == true, "\(count) bytes")
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
