import Foundation
import HLFormats
import HLTensor

/// Reads `Fixtures/NAME.safetensors` of a test target.
package func tensorFixture(_ name: String, in bundle: Bundle) throws -> TensorFile {
    try Safetensors.read(path: bundle.bundleURL.appendingPathComponent("Fixtures/\(name).safetensors").path)
}
