import Foundation
import HLFormats
import HLTensor

/// A suite that reads `Fixtures/images`. What they hold is said in `make_image_fixtures.py` there.
protocol ImageSuite {}

extension ImageSuite {
    func path(_ name: String) -> String {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/images/\(name)").path
    }

    func contents(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    func planes(_ image: Image) -> [UInt8] { image.withPlanes(Array.init) }

    func decode(_ bytes: [UInt8], name: String = "image") throws -> Image {
        try bytes.withUnsafeBytes { try Image(bytes: $0, name: name) }
    }

    func largestDifference(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.count == right.count ? zip(left, right).map { abs(Int($0) - Int($1)) }.max() ?? 0 : .max
    }

    func image(_ fixture: String, width: Int, height: Int) throws -> Image {
        let bytes = try contents(fixture)
        return Image(width: width, height: height) { _ = $0.update(fromContentsOf: bytes) }
    }
}
