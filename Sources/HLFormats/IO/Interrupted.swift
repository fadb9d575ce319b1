import CSystem

/// A signal has asked this process to end, and the program has asked to be told instead of killed: thrown where something
/// is waited for, so that the program can save what it has.
package struct Interrupted: Error, Sendable {
    /// How often those who wait look up, in milliseconds.
    package static let pause = 100

    package init() {}

    /// Whether a signal was noted. Never where none is deferred: it kills then.
    package static var isRequested: Bool { hl_signals_noted() != 0 }

    /// - Throws: `Interrupted` where a signal was noted.
    package static func check() throws { if isRequested { throw Interrupted() } }
}
