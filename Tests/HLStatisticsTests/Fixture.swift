import Foundation
import HLFormats
import Testing

/// A file of `Fixtures`, by its name without ending.
func fixture(_ name: String) throws -> JSONValue {
    let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name).json")
    let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    return try JSONValue(parsing: text, name: name)
}

extension JSONValue {
    /// The numbers of an array.
    var numbers: [Double] { (array ?? []).compactMap(\.number) }
}
