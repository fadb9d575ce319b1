import ArgumentParser
import HLCommand
import HLFormats

/// How a picture is shown on a terminal.
enum TerminalChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, kitty, iterm, sixel, blocks

    /// The way itself; `auto` asks the terminal.
    func resolved() -> TerminalGraphics { TerminalGraphics(rawValue: rawValue) ?? TerminalQuery.graphics() }
}
