import HLTensor

/// The value of an option that has a name for each of its values.
/// - Parameter complaint: what is said of another text, such as `there is no metric`.
/// - Throws: `Failure` (usage) with the names.
package func choice<Value: RawRepresentable & CaseIterable>(
    _ text: String, or complaint: String
) throws -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: text) else {
        throw Failure(
            .usage, "\(complaint) '\(text)'",
            "choose one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
}
