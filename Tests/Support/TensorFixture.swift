import Foundation
import HLFormats
import HLTensor
import Testing

/// Reads `Fixtures/NAME.safetensors` of a test target.
package func tensorFixture(_ name: String, in bundle: Bundle) throws -> TensorFile {
    try Safetensors.read(path: bundle.bundleURL.appendingPathComponent("Fixtures/\(name).safetensors").path)
}

extension TensorFile {
    package func tensor(_ name: String) throws -> HostTensor { try #require(tensors[name], "no \(name)") }

    /// A list of names in the metadata.
    package func list(_ key: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(try #require(metadata[key]).utf8))
    }
}
