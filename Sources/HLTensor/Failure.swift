/// Why a program cannot go on: what happened, and what the user can do about it.
///
/// Every layer throws this one type, so that a program has one place that prints the line and picks the exit code.
package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The exit status of the program, as in `sysexits.h`.
    package enum Kind: Int32, Sendable {
        case usage = 64
        /// Input that is damaged, truncated or not what it claims to be.
        case data = 65
        case noInput = 66
        /// A defect of ours.
        case software = 70
        /// Memory, threads or processes that the system, a limit or the machine does not give.
        case resources = 71
        case cannotCreate = 73
        case inputOutput = 74
        /// Streams, weights or checkpoints that are each in order but do not belong together.
        case incompatible = 78
    }

    package let kind: Kind
    package let what: String
    package let remedy: String

    package init(_ kind: Kind, _ what: String, _ remedy: String) {
        self.kind = kind
        self.what = what
        self.remedy = remedy
    }

    package var description: String { remedy.isEmpty ? what : "\(what): \(remedy)" }
}
