import Synchronization

/// What the user should know while a program goes on, from rooms that do not print themselves.
package enum Notice {
    private static let printer = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Whoever prints, from now on; without one nothing is printed.
    package static func print(by printer: @escaping @Sendable (String) -> Void) {
        Self.printer.withLock { $0 = printer }
    }

    /// One line, as of a warning.
    package static func give(_ message: String) {
        let print = printer.withLock { $0 }
        print?(message)
    }
}
