import HLTensor

/// The failure of options that do not go together or are out of range.
package func refuse(_ what: String, _ remedy: String) -> Failure { Failure(.usage, what, remedy) }

/// - Throws: `Failure(.usage)` unless the condition holds.
package func check(_ holds: Bool, _ what: String, _ remedy: String) throws {
    if !holds { throw refuse(what, remedy) }
}
