import ArgumentParser
import HLCommand
import HLFormats

/// How a picture is shown on a terminal.
struct TerminalChoice: ExpressibleByArgument {
    /// nil asks the terminal.
    private let graphics: TerminalGraphics?

    private static let automatic = "auto"

    static var allValueStrings: [String] { [automatic] + TerminalGraphics.allCases.map(\.rawValue) }

    init?(argument: String) {
        graphics = TerminalGraphics(rawValue: argument)
        if graphics == nil && argument != Self.automatic { return nil }
    }

    /// The way itself.
    func resolved() -> TerminalGraphics { graphics ?? TerminalQuery.graphics() }
}
