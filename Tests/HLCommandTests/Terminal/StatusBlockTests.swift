import HLCommand
import Testing

/// The lines of programs that share a terminal.
struct StatusBlockTests {
    private func line(
        _ tool: String, _ number: Int32, _ text: String = "1 of 2 samples", isLast: Bool = false,
        waits: (Int, Int)? = nil
    ) -> StatusLine {
        StatusLine(
            process: ProcessIdentity(number: number, start: 7), group: 3, isLast: isLast,
            waits: waits.map { WaitShares(input: $0, output: $1) }, tool: tool, text: text)
    }

    /// In the order of the pipeline, whoever came first; names end in one column, and who waits least is the slowest.
    @Test func showsThePipeline() {
        let block = StatusBlock(
            [
                line("hl-train", 12, "5 pairs", isLast: true, waits: (2, 0)),
                line("hl-sample", 10, "9 samples", waits: (0, 96)), line("hl-perturb", 11, waits: (40, 55)),
            ], columns: 80, rows: 24)
        #expect(
            block.lines == [
                "hl-sample:  9 samples, blocked 96 %", "hl-perturb: 1 of 2 samples, blocked 55 %",
                "hl-train:   5 pairs, busy 98 %, slowest",
            ])
    }

    @Test func saysNothingOfWaitsWhereThereIsOne() {
        let alone = StatusBlock([line("hl-train", 1, isLast: true, waits: (90, 0))], columns: 80, rows: 24)
        #expect(alone.lines == ["hl-train: 1 of 2 samples"])
        // Of two, one of whom is not known yet; and of two who wait alike.
        let young = StatusBlock(
            [line("hl-sample", 1, waits: (0, 60)), line("hl-train", 2, isLast: true)], columns: 80, rows: 24)
        #expect(young.lines == ["hl-sample: 1 of 2 samples, blocked 60 %", "hl-train:  1 of 2 samples"])
        let equal = StatusBlock(
            [line("hl-sample", 1, waits: (0, 30)), line("hl-train", 2, isLast: true, waits: (30, 0))], columns: 80,
            rows: 24)
        #expect(equal.lines.allSatisfy { $0.hasSuffix(", busy 70 %") })
    }

    /// Without one of ours at the end, which may be a pager that has the screen for itself.
    @Test func showsNothingBeforeAnotherProgram() {
        #expect(StatusBlock([line("hl-sample", 1), line("hl-perturb", 2)], columns: 80, rows: 24).lines.isEmpty)
    }

    @Test func fitsTheTerminal() {
        let long = String(repeating: "x", count: 200)
        let programs = [
            line("hl-sample", 1, long, waits: (0, 90)), line("hl-train", 2, long, isLast: true, waits: (0, 0)),
        ]
        for columns in [21, 40, 80, 132] {
            let lines = StatusBlock(programs, columns: columns, rows: 24).lines
            #expect(lines.allSatisfy { $0.count == columns - 1 }, "\(columns)")
            #expect(lines[1].hasSuffix("slowest") == (columns >= 60), "\(columns)")
        }
        #expect(StatusBlock(programs, columns: 80, rows: 2).lines.map { $0.prefix(8) } == ["hl-train"])
        // What a program is told of its room is no more than there is.
        for (tool, isAlone) in [("hl-train", false), ("hl-perturb", false), ("hl-train", true)] {
            let room = StatusBlock.room(tool: tool, columns: 80, isAlone: isAlone)
            let text = String(repeating: "x", count: room)
            let block = StatusBlock(
                [line(tool, 2, text, isLast: true, waits: (0, 0))]
                    + (isAlone ? [] : [line("hl-perturb", 1, waits: (99, 0))]), columns: 80, rows: 24)
            #expect(block.lines.last?.contains(text + (isAlone ? "" : ", busy 100 %, slowest")) == true)
        }
    }

    /// From the end of the last line to the beginning of the first; what is said stays above.
    @Test func movesTheCursor() {
        let block = StatusBlock(
            [line("hl-sample", 1, "a"), line("hl-train", 2, "b", isLast: true)], columns: 80, rows: 24)
        let lines = "hl-sample: a\u{1B}[K\r\nhl-train:  b\u{1B}[J"
        #expect(block.text(replacing: 0) == "\r" + lines)
        #expect(block.text(replacing: 1) == "\r" + lines)
        #expect(block.text(replacing: 3) == "\r\u{1B}[2A" + lines)
        #expect(block.text(replacing: 2, isLeft: true) == "\r\u{1B}[1A" + lines + "\r\n")
        #expect(block.text(replacing: 2, above: "m\n") == "\r\u{1B}[1A\u{1B}[Jm\n" + lines)
        #expect(StatusBlock([], columns: 80, rows: 24).text(replacing: 2) == "\r\u{1B}[1A\u{1B}[J")
    }

    @Test func recordsAreRead() {
        var line = line("hl-train", 1234, "5 pairs,\tloss 1\nx", isLast: true, waits: (3, 4))
        line.isDone = true
        let read = StatusLine(record: Substring(line.record))
        line.text = "5 pairs, loss 1 x"
        #expect(read == line && !line.record.contains("\n"))
        let young = self.line("hl-sample", 5)
        #expect(StatusLine(record: Substring(young.record)) == young)
        // Whoever was killed while writing leaves a part of it.
        for end in 0..<line.record.count - line.text.count {
            _ = StatusLine(record: line.record.prefix(end))
        }
        for damaged in [
            "", "x", "\t\t\t\t\t\t\t\t", "0\t7\t3\t1\t1\t\t\ta\tb", "-5\t7\t3\t1\t1\t\t\ta\tb", "5\t7\t3\t1\t1\t\t\ta",
        ] {
            #expect(StatusLine(record: Substring(damaged)) == nil, "\(damaged)")
        }
    }

    @Test func processes() {
        #expect(ProcessIdentity.own.isAlive && ProcessIdentity.own.start > 0)
        #expect(!ProcessIdentity(number: ProcessIdentity.own.number, start: 1).isAlive)
        #expect(!ProcessIdentity(number: Int32.max, start: 0).isAlive)
    }

    @Test(arguments: [
        ((0, 0), "busy 100 %"), ((30, 20), "busy 50 %"), ((60, 30), "starved 60 %"), ((0, 97), "blocked 97 %"),
    ])
    func waits(shares: (Int, Int), text: String) {
        #expect(WaitShares(input: shares.0, output: shares.1).text == text)
    }

    // MARK: What terminals answer

    @Test(arguments: [
        ("\u{1B}[?62;c", false, false, true), ("\u{1B}[?62;4;22c", false, true, true),
        ("\u{1B}[?64;14;44c", false, false, true), ("\u{1B}[?4;22c", false, false, true),
        ("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62;c", true, false, true),
        ("\u{1B}_Gi=31;ENOTSUP:x\u{1B}\\\u{1B}[?62;4c", false, true, true), ("\u{1B}_Gi=31;OK", true, false, false),
        ("", false, false, false), ("\u{1B}[?62;4", false, false, false), ("keys\u{1B}[?1;2;4c", false, true, true),
    ])
    func answers(text: String, hasKitty: Bool, hasSixel: Bool, isComplete: Bool) {
        let answer = TerminalQuery.Answer(Array(text.utf8))
        #expect(answer.hasKitty == hasKitty && answer.hasSixel == hasSixel && answer.isComplete == isComplete)
    }

    @Test func environments() {
        func stated(_ variables: [String: String]) -> String? {
            TerminalQuery.stated { variables[$0] ?? "" }?.rawValue
        }
        #expect(stated(["TERM": "xterm-kitty"]) == "kitty")
        #expect(stated(["TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"]) == "iterm")
        #expect(stated(["TERM": "xterm-256color"]) == nil)
        // A multiplexer inside of them does not pass their graphics on.
        #expect(stated(["TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"]) == nil)
        #expect(stated(["TERM": "screen", "TERM_PROGRAM": "iTerm.app", "STY": "1.a"]) == nil)
    }
}
