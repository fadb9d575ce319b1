/// How far a run has come.
package enum RunStatus: String, Sendable, CaseIterable {
    case running
    case finished
    /// A signal has asked it to end, and it has saved what it had.
    case stopped
    /// It has ended with an error.
    case failed
    /// Its record says that it runs, and it does not: it was killed, or the machine went down. Never written.
    case cut
}
