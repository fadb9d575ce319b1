import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite(.enabled(if: Image.readsWebP, "this build has no WebP reader")) struct WebPTests: ImageSuite {
    @Test(arguments: ["lossy", "lossless", "lossy-alpha", "lossless-alpha"])
    func everyKindIsReadAsPillowReadsIt(kind: String) throws {
        let image = try Image.read(path: path("\(kind).webp"))
        #expect(image.pixels.shape == [3, 27, 41])
        #expect(planes(image) == (try contents("\(kind).rgb")))
    }

    @Test(arguments: ["lossy", "lossless", "lossy-alpha", "lossless-alpha"])
    func cutAnywhereIsAnError(kind: String) throws {
        let bytes = try contents("\(kind).webp")
        for count in 0..<bytes.count {
            let found = failure { _ = try decode(Array(bytes[..<count]), name: "cut.webp") }
            #expect(found?.kind == .data && found?.what.contains("cut.webp") == true, "\(count) bytes")
        }
        let half = failure { _ = try decode(Array(bytes[..<(bytes.count - 10)]), name: "cut.webp") }
        #expect(half?.what == "cut.webp is a truncated WebP file")
    }

    @Test func flippedBitsNeverCrash() throws {
        for kind in ["lossy", "lossless", "lossy-alpha"] {
            let bytes = try contents("\(kind).webp")
            for position in bytes.indices {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(position % 8)
                if let found = failure({ _ = try decode(damaged) }) { #expect(found.kind == .data) }
            }
        }
    }

    @Test func whatIsNoPhotographIsRefused() throws {
        let animation = failure { _ = try Image.read(path: path("animation.webp")) }
        #expect(animation?.kind == .data && animation?.what.contains("is an animation") == true)
        let claim = failure { _ = try Image.read(path: path("claims-too-much.webp")) }
        #expect(claim?.kind == .data && claim?.what.contains("claims 16383 x 16383 pixels in 34 bytes") == true)
    }
}
