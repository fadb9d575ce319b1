import Foundation
import HLFormats
import TestSupport
import Testing

/// What is on the screen of a terminal while programs run in it, in tmux.
@Suite(.serialized, .enabled(if: Programs.isInstalled("tmux"), "tmux is not installed"))
struct TerminalTests {
    /// A terminal of its own in which a shell waits for keys; it is gone with the test.
    private final class Screen {
        private let space: Workspace
        private let socket: String

        init(_ space: Workspace, columns: Int = 140, rows: Int = 16, setup: String = ":") throws {
            self.space = space
            socket = space.file("tmux.socket")
            try space.write(
                Array("PS1='$ '; export XDG_RUNTIME_DIR=$PWD/run; mkdir -m 700 run; unset HISTFILE; \(setup)\n".utf8),
                to: "rc")
            try tmux("-f /dev/null new-session -d -x \(columns) -y \(rows) 'bash --noprofile --rcfile rc -i'")
            _ = try wait { $0.last == "$" }
        }

        deinit { _ = try? space.run("tmux -S '\(socket)' kill-server") }

        private func tmux(_ command: String) throws {
            let outcome = try space.run("TERM=xterm-256color tmux -S '\(socket)' \(command)")
            try #require(outcome.status == 0, "\(command): \(outcome.errors)")
        }

        func type(_ text: String) throws {
            try space.write(Array(text.utf8), to: "keys")
            try tmux("send-keys -l -- \"$(cat keys)\"")
            try tmux("send-keys Enter")
        }

        /// Whether the terminal says that it knows sixels when it is asked what it is (DA1).
        func showsSixels() throws -> Bool {
            let ask = #"stty -echo -icanon; printf '\e[c'; read -r -d c -t 20 text; stty sane"#
            try type("clear; (\(ask); echo \"it is ${text#*[?]}\")")
            let rows = try wait { $0.last == "$" && $0.contains { $0.hasPrefix("it is ") } }
            return rows.contains { $0.hasPrefix("it is ") && $0.split(separator: ";").dropFirst().contains("4") }
        }

        /// The rows of the screen but for empty ones at its end.
        func rows() throws -> [String] {
            let outcome = try space.run("tmux -S '\(socket)' capture-pane -p")
            var rows = outcome.text.split(separator: "\n", omittingEmptySubsequences: false).map { row in
                String(row.reversed().drop { $0 == " " }.reversed())
            }
            while rows.last == "" { rows.removeLast() }
            return rows
        }

        /// Waits until the screen is as wanted.
        @discardableResult
        func wait(seconds: Double = 60, _ isReached: ([String]) -> Bool) throws -> [String] {
            let end = Date().addingTimeInterval(seconds)
            while true {
                let rows = try rows()
                if isReached(rows) { return rows }
                guard Date() < end else {
                    Issue.record("the screen has not come:\n\(rows.joined(separator: "\n"))")
                    return rows
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }

    private static let train = "hl-train -n 1000000 --width 16 --batch 16 --threads 1 --force -o e.safetensors"

    private func tools(_ rows: [String]) -> [String] {
        rows.compactMap { $0.firstMatch(of: /^(hl-[a-z]+):\s/).map { String($0.1) } }
    }

    /// Three programs have three lines, in the order of the pipe, each in the place where it was; the one that nobody waits
    /// for longer is named.
    @Test func programsOfAPipelineShareIt() throws {
        let space = try Workspace(), screen = try Screen(space)
        try screen.type("hl-sample | hl-perturb --chunks 1-5 | \(Self.train)")
        let rows = try screen.wait { $0.last?.contains("slowest") == true && $0.count == 4 }
        #expect(tools(rows) == ["hl-sample", "hl-perturb", "hl-train"])
        #expect(rows[1].contains("blocked") && rows[2].contains("blocked") && rows[3].contains(", loss "))
        #expect(rows[3].contains(" left, "))
        // Later there are other numbers in the same rows.
        let later = try screen.wait { $0.count == 4 && $0[3].prefix(20) != rows[3].prefix(20) }
        #expect(tools(later) == tools(rows) && later[0] == rows[0])
    }

    /// What a program says stays above the lines, and the lines stay when all is over, before the prompt.
    @Test func wordsStayAboveTheLines() throws {
        let space = try Workspace(), screen = try Screen(space)
        try screen.type(
            "hl-sample -v | hl-perturb --chunks 1-5 | hl-train -n 2000 --keep-every 400 --width 8 --batch 16 -o e.safetensors"
        )
        let rows = try screen.wait { $0.last == "$" && $0.count > 4 }
        #expect(rows.filter { $0.hasPrefix("hl-train: ") && $0.contains("wrote e.safetensors") }.count == 1)
        let shown = rows.filter { $0.contains("2,000 of 2,000 pairs") }
        #expect(shown.count == 1 && shown[0].contains(", in "))
        // None where it was blocked before its first line was due.
        #expect(rows.filter { $0.hasPrefix("hl-perturb:") }.count <= 1)
    }

    /// Whoever is killed leaves nothing behind: neither a lock nor a line among those of the next ones, and the shell's words
    /// stay.
    @Test func survivesKilledPrograms() throws {
        let space = try Workspace(), screen = try Screen(space, rows: 30)
        let stages = ["hl-sample", "hl-perturb --chunks 1-5", Self.train].enumerated().map { number, program in
            "(echo $BASHPID > pid\(number); exec \(program))"
        }
        // The last one, whose end ends the others, and all at once.
        for pids in ["pid2", "pid0 pid1 pid2"] {
            try screen.type("clear; " + stages.joined(separator: " | "))
            try screen.wait { self.tools($0) == ["hl-sample", "hl-perturb", "hl-train"] }
            try space.succeed("kill -9 $(cat \(pids))")
            try screen.wait { $0.last == "$" }
            try screen.type("echo over")
            let rows = try screen.wait { $0.suffix(2) == ["over", "$"] }
            #expect(rows.filter { $0 == "over" }.count == 1)
        }
        try screen.type("clear; hl-sample -n 3200 | hl-train -n 3200 --width 8 --batch 16 -o f.safetensors; echo over")
        let rows = try screen.wait { $0.suffix(2) == ["over", "$"] }
        // That there are no positives, the line of progress, and that the encoder is written.
        #expect(tools(rows).filter { $0 == "hl-train" }.count == 3 && !tools(rows).contains("hl-perturb"))
    }

    /// Where the cursor cannot be moved, the last program writes lines that stay, and no control characters; nobody writes
    /// where standard error is a file.
    @Test func dumbTerminalsAndFiles() throws {
        let space = try Workspace(), screen = try Screen(space, setup: "export TERM=dumb")
        try screen.type("hl-sample | hl-perturb | hl-train -n 400 --width 8 --batch 16 --progress -o e.safetensors")
        let rows = try screen.wait { $0.last == "$" && $0.count > 2 }
        #expect(Set(tools(rows)) == ["hl-train"] && rows.contains { $0.contains("400 of 400 pairs") })
        try screen.type(
            "TERM=xterm; clear; (hl-sample | hl-perturb | hl-train -n 400 --width 8 --batch 16 -o f.safetensors) 2> err; echo over"
        )
        let quiet = try screen.wait { $0.contains("over") }
        #expect(tools(quiet).isEmpty)
        #expect(try space.text("err").allSatisfy { $0 != "\u{1B}" && $0 != "\r" })
        #expect(try space.text("err").split(separator: "\n").count == 1)
    }

    /// A pager has the screen for itself.
    @Test func pagersAreLeftAlone() throws {
        let space = try Workspace(), screen = try Screen(space)
        try screen.type("hl-sample | hl-perturb | (head -c 3000000 > part; sleep 3; echo over)")
        let rows = try screen.wait { $0.contains("over") }
        #expect(tools(rows).isEmpty)
    }

    // MARK: Pictures

    /// tmux says whether it knows sixels, and the picture comes in them or in half blocks, which are characters that it
    /// shows.
    @Test func picturesAreShown() throws {
        let space = try Workspace()
        try space.succeed(
            "hl-sample -n 4 --size 32 --clean -o a.hls; hl-view --columns 2 --rows 2 --zoom 1 --no-captions -o a.png a.hls"
        )
        let screen = try Screen(space, rows: 50)
        try screen.type("hl-view --terminal blocks --columns 2 --rows 2 a.hls")
        let rows = try screen.wait { $0.last == "$" && $0.count > 30 }
        let image = try space.bytes("a.png").withUnsafeBytes { try Image(png: $0, name: "a.png") }
        let shown = rows.filter { $0.hasPrefix("\u{2580}") }
        #expect(shown.count == (image.height + 1) / 2 && shown.allSatisfy { $0.count == image.width })
        // Without a choice the terminal is asked.
        try screen.type("clear; hl-view --columns 2 --rows 2 --zoom 1 --no-captions a.hls > /dev/tty && echo over")
        let asked = try screen.wait { $0.suffix(2) == ["over", "$"] }
        if try screen.showsSixels() { return }
        #expect(asked.filter { $0.hasPrefix("\u{2580}") } == shown)
    }

    /// What goes through a pipe is the picture of the file.
    @Test func picturesGoThroughPipes() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 4 -o a.hls; hl-view -o a.png a.hls; hl-view --terminal kitty a.hls > a.kitty")
        let text = try space.text("a.kitty")
        let letters = text.matches(of: /\x1B_G[^;]*;([A-Za-z0-9+\/=]*)\x1B\\/).map { $0.1 }.joined()
        #expect(Data(base64Encoded: letters).map { [UInt8]($0) } == (try space.bytes("a.png")))
    }
}
