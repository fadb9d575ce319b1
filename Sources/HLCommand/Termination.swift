import CSystem

/// A polite end for long runs: the first SIGINT or SIGTERM is only noted, so that the program can write a checkpoint;
/// a second one kills it.
package enum Termination {
    /// From now on signals are noted instead of killing.
    package static func install() { hl_signals_defer() }

    /// Whether one has come.
    package static var requested: Bool { hl_signals_noted() != 0 }

    /// The exit status that says so to a shell: 128 + the signal's number; 0 if none has come.
    package static var exitStatus: Int32 {
        let number = hl_signals_noted()
        return number == 0 ? 0 : 128 + number
    }
}
