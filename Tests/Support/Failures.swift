import HLTensor

/// What `body` throws; nil where it throws nothing or something else.
package func failure(_ body: () throws -> Void) -> Failure? {
    do {
        try body()
        return nil
    } catch {
        return error as? Failure
    }
}
