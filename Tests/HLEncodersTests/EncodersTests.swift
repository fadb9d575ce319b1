import Foundation
import HLFormats
import TestSupport
import Testing

/// Everything that computes on a backend, one test at a time: each of them uses all cores.
@Suite(.serialized) enum EncodersTests {
    static func fixture(_ name: String) throws -> TensorFile { try tensorFixture(name, in: .module) }
}
