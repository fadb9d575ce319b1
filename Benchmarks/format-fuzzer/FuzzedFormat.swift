import HLTensor

/// A format whose readers are tried: how its files are damaged, and what reads them.
protocol FuzzedFormat: Sendable {
    /// What the command line calls it.
    var name: String { get }

    /// The file of a case, made of the contents of good ones.
    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) throws -> [UInt8]

    /// Reads a file to its end, as the programs do.
    /// - Parameter thorough: also does what takes time, such as rendering; asked for in one case of a hundred.
    /// - Throws: `Failure` of kind data or incompatible, of one line.
    func read(path: String, thorough: Bool) throws
}

extension FuzzedFormat {
    /// Bytes changed wherever it falls.
    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) -> [UInt8] { damage.applied(to: files) }
}
