import Glibc
import HLFormats

/// Which graphics the terminal knows that standard output is.
package enum TerminalQuery {
    /// What the environment says, else what the terminal answers, else half blocks.
    package static func graphics() -> TerminalGraphics {
        let environment = variable
        if let known = stated(environment) { return known }
        let answer = ask()
        if answer.hasKitty { return .kitty }
        return answer.hasSixel ? .sixel : .blocks
    }

    /// Of the window that standard output is.
    package static func room() -> TerminalGraphics.Room {
        let size = TerminalScreen.size(of: STDOUT_FILENO).flatMap { $0.ws_col > 0 ? $0 : nil }
        let colours = variable("COLORTERM")
        return TerminalGraphics.Room(
            columns: size.map { Int($0.ws_col) } ?? 80,
            pixels: size.flatMap { $0.ws_xpixel > 0 ? Int($0.ws_xpixel) : nil },
            hasAllColours: colours == "truecolor" || colours == "24bit")
    }

    /// Whether the terminal shows anything but text.
    package static var showsPictures: Bool { isatty(STDOUT_FILENO) == 1 && TerminalScreen.canMove }

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }

    /// Terminals that do not answer what they know. A multiplexer keeps the variables of the terminal that it was started
    /// in, and passes none of its graphics on.
    package static func stated(_ variable: (String) -> String) -> TerminalGraphics? {
        guard variable("TMUX").isEmpty, variable("STY").isEmpty else { return nil }
        if variable("TERM") == "xterm-kitty" || variable("TERM") == "xterm-ghostty" { return .kitty }
        let isITerm =
            ["iTerm.app", "WezTerm", "mintty"].contains(variable("TERM_PROGRAM")) || variable("LC_TERMINAL") == "iTerm2"
        return isITerm ? .iterm : nil
    }

    /// What a terminal answers to two questions: whether it takes a picture of one pixel by kitty's protocol, and what it
    /// is (DA1), which all of them answer, so that nobody waits for the first answer in vain.
    package struct Answer: Equatable {
        package private(set) var hasKitty = false
        package private(set) var hasSixel = false
        /// Whether the second answer is there.
        package private(set) var isComplete = false

        static let questions = "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[c"

        package init(_ bytes: [UInt8] = []) {
            let text = String(decoding: bytes, as: UTF8.self)
            hasKitty = text.contains("\u{1B}_Gi=31;OK")
            // ESC [ ? 62 ; 4 ; 22 c, where 4 is for sixels.
            guard let start = text.firstRange(of: "\u{1B}[?"),
                let end = text[start.upperBound...].firstIndex(of: "c")
            else { return }
            isComplete = true
            hasSixel = text[start.upperBound..<end].split(separator: ";").dropFirst().contains("4")
        }
    }

    /// Half a second is the most that a terminal has for its answers. No signal leaves it without its echo meanwhile.
    private static func ask() -> Answer {
        let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { return Answer() }
        defer { close(terminal) }
        var before = termios()
        // Who is in the background would be stopped.
        guard tcgetpgrp(terminal) == getpgrp(), tcgetattr(terminal, &before) == 0 else { return Answer() }
        var signals = sigset_t(), signalsBefore = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, &signalsBefore)
        defer { pthread_sigmask(SIG_SETMASK, &signalsBefore, nil) }
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        guard tcsetattr(terminal, TCSANOW, &raw) == 0 else { return Answer() }
        defer { _ = tcsetattr(terminal, TCSANOW, &before) }
        var questions = Answer.questions
        questions.withUTF8 { _ = write(terminal, $0.baseAddress, $0.count) }
        var bytes: [UInt8] = []
        let end = Progress.now() + 0.5
        while !Answer(bytes).isComplete && bytes.count < 4096 {
            var request = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
            let left = Int32((end - Progress.now()) * 1000)
            guard left > 0, poll(&request, 1, left) > 0 else { break }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(terminal, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return Answer(bytes)
    }
}
