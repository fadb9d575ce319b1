import HLTensor

/// What a pickle that cannot be read is refused with.
func damagedPickle(_ what: String) -> Failure {
    Failure(.data, "the pickle cannot be read, \(what)", "fetch or save the file again")
}
