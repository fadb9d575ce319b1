import Foundation
import HLFormats
import Testing

/// The values of `Fixtures/views.json`.
func fixture(_ name: String) throws -> JSONValue {
    let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/views.json")
    let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    return try #require(try JSONValue(parsing: text, name: "views.json")[name])
}

extension JSONValue {
    /// The numbers of an array.
    var numbers: [Double] { (array ?? []).compactMap(\.number) }
}
