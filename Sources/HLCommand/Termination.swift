import ArgumentParser
import CSystem
import HLFormats

/// A polite end for long runs: the first signal that asks a process to end is only noted, so that the program can write
/// a checkpoint. Further ones change nothing, but for another Ctrl-C, which kills.
package enum Termination {
    /// From now on signals are noted instead of killing, and what they do is said at once.
    package static func install() { hl_signals_defer(Console.isQuiet ? nil : Console.tool) }

    /// Whether that was done.
    static var isInstalled: Bool { hl_signals_are_deferred() != 0 }

    /// Whether one has come.
    package static var isRequested: Bool { Interrupted.isRequested }

    /// Its number; 0 before.
    package static var signal: Int32 { hl_signals_noted() }

    /// Saves what was asked for. No signal ends the process meanwhile.
    package static func whileSaving<Result>(_ save: () throws -> Result) rethrows -> Result {
        hl_signals_hold(1)
        defer { hl_signals_hold(0) }
        return try save()
    }

    /// What a program ends with that has done what was asked for: the parent sees the signal, which a shell has as
    /// 128 + its number.
    package static func leave() -> ExitCode {
        hl_signals_kill_at_exit()
        return ExitCode(128 + hl_signals_noted())
    }
}
