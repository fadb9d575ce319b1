import CKernels

/// A polite end for long runs: the first SIGINT or SIGTERM is only noted, so that the program can write a checkpoint;
/// a second one kills it.
public enum Termination {
    /// From now on signals are noted instead of killing.
    public static func install() { hl_signals_defer() }

    /// Whether one has come.
    public static var requested: Bool { hl_signals_noted() != 0 }

    /// The exit status that says so to a shell: 128 + the signal's number; 0 if none has come.
    public static var exitStatus: Int32 {
        let number = hl_signals_noted()
        return number == 0 ? 0 : 128 + number
    }
}
