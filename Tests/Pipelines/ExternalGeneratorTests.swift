import Foundation
import Glibc
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Generators of one's own: `exec:COMMAND`.
struct ExternalGeneratorTests {
    private static let side = 32
    /// Answers sample by sample, as a program must that is not sent whole batches of its own size.
    private static let shapes = "hl-sample --from - --generator shapes --size 32 --render --batch 1 --threads 1"

    /// The samples of `latents.hls` under a header that names a command to render them.
    private func give(_ command: String, to name: String, _ space: Workspace) throws {
        let reader = try StreamReader(path: space.file("latents.hls"))
        var header = reader.header
        header.generator = [
            "name": "exec", "chunks": 6, "dimension": 20, "resolution": .integer(Int64(Self.side)), "latent": "z",
            "command": .string(command),
        ]
        let file = try OutputFile(path: space.file(name))
        let writer = try StreamWriter(file, level: 1, seekable: false)
        try writer.writeHeader(header)
        while let batch = try reader.next() { try writer.write(batch) }
        try writer.finish()
        try file.commit()
    }

    /// Renders `latents.hls` by the command.
    private func render(_ command: String, _ space: Workspace) throws -> StreamContent {
        try give(command, to: "given.hls", space)
        try space.succeed("HL_EXEC=1 hl-perturb --chunks 1-5 --render given.hls > rendered.hls")
        return try StreamContent(path: space.file("rendered.hls"))
    }

    private func text(_ name: String, _ space: Workspace) throws -> String {
        String(decoding: try space.bytes(name), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Whether a process is there and has not ended.
    private func isRunning(_ pid: Int32) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return kill(pid, 0) == 0 && !status.contains(") Z ")
    }

    private func withLatents(_ count: Int, batch: Int = 16) throws -> Workspace {
        let space = try Workspace()
        try space.succeed("hl-sample -n \(count) --size \(Self.side) --batch \(batch) -o latents.hls")
        return space
    }

    // MARK: Pixels

    @Test(arguments: ["", "--pixels f32", "--threads 2", "--batch 2"])
    func samePixelsAsBuiltIn(options: String) throws {
        let space = try withLatents(40, batch: 8)
        try space.succeed("hl-perturb --chunks 1-5 --render latents.hls > builtin.hls")
        let expected = try StreamContent(path: space.file("builtin.hls"))
        let found = try render("\(Self.shapes) \(options)", space)
        #expect(expected.names == ["id", "x.0", "x.1", "y", "z.0", "z.1"])
        #expect(found == expected)
    }

    @Test func floatsStayFloats() throws {
        let space = try withLatents(12)
        try give("\(Self.shapes) --pixels f32", to: "given.hls", space)
        try space.succeed("HL_EXEC=1 hl-perturb --render --pixels f32 given.hls > rendered.hls")
        try space.succeed("hl-perturb --render --pixels f32 latents.hls > builtin.hls")
        #expect(
            try StreamContent(path: space.file("rendered.hls")) == StreamContent(path: space.file("builtin.hls")))
    }

    /// From the command line of hl-sample, which needs no permission.
    @Test func onTheCommandLine() throws {
        let space = try Workspace()
        let drawn = "hl-sample -n 20 --seed 5 --size \(Self.side) --render"
        let options = "--latent-shape 6x20 --generator 'exec:\(Self.shapes)'"
        try space.succeed("\(drawn) > builtin.hls; unset HL_EXEC; \(drawn) \(options) > external.hls")
        let (a, b) = (
            try StreamContent(path: space.file("builtin.hls")), try StreamContent(path: space.file("external.hls"))
        )
        #expect(b.names == ["id", "x.0", "z.0"])
        for name in b.names { #expect(a.rows[name] == b.rows[name]) }
        try space.succeed("unset HL_EXEC; hl-view --rows 2 external.hls > grid.png")
        // Positives are rendered later, by a program that has the command from the stream alone.
        try space.fail(78, "unset HL_EXEC; hl-perturb --render external.hls", saying: "HL_EXEC=1")
        try space.fail(64, "\(drawn) --latent-shape 6x20 --generator 'exec: '")
    }

    /// A request and an answer that both are larger than a pipe, and a program that talks before it listens.
    @Test func neitherSideBlocksTheOther() throws {
        let space = try withLatents(4096, batch: 4096)
        let size = 3_000_000
        let magic = UInt32(0x184D_2A50), frame = [magic, UInt32(size)].flatMap { withUnsafeBytes(of: $0, Array.init) }
        try space.write(frame + [UInt8](repeating: 7, count: size), to: "skippable")
        let content = try render("cat skippable; exec \(Self.shapes.replacing("--batch 1", with: "--batch 64"))", space)
        #expect(content.ids == Array(0..<4096))
        #expect(content.rows["x.0"]?[4095]?.count == 3 * Self.side * Self.side)
    }

    @Test func emptyStreamsStartNothing() throws {
        let space = try withLatents(0)
        #expect(try render("touch started", space).ids.isEmpty)
        #expect(!space.exists("started"))
    }

    // MARK: The program

    /// It is sent a whole stream, and may tidy up before we end.
    @Test func endsByItself() throws {
        let space = try withLatents(40)
        _ = try render("tee sent.hls | \(Self.shapes) | tee said.hls; echo $? > ended", space)
        #expect(space.exists("ended"))
        let sent = try StreamContent(path: space.file("sent.hls"))
        #expect(sent.names == ["id", "z.0"])
        #expect(sent.ids.count == 80)
        #expect(try StreamContent(path: space.file("said.hls")).ids == sent.ids)
        let header = try StreamReader(path: space.file("sent.hls")).header
        #expect(header.generator?["resolution"] == 32)
        #expect(header.generator?["latent"] == "z")
        #expect(header.generator?["command"] == nil)
    }

    /// Output that nobody asked for is no reason to wait for ever, nor is a program that does not end.
    @Test func isStoppedWhenItDoesNotEnd() throws {
        let space = try withLatents(4)
        let start = Date()
        _ = try render("\(Self.shapes); echo $$ > pid; exec sleep 1000", space)
        #expect((9...60).contains(Date().timeIntervalSince(start)))
        let pid = try #require(Int32(try text("pid", space)))
        #expect(kill(pid, 0) != 0)
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGINT]) func seesTheEndWhenWeAreKilled(number: Int32) throws {
        let space = try withLatents(4)
        try give("touch started; cat > received; touch finished", to: "given.hls", space)
        let child = try space.start("HL_EXEC=1 exec hl-perturb --render given.hls")
        try child.until { space.exists("started") ? true : nil }
        child.signal(number)
        #expect(try child.wait() == 128 + number)
        // Child kills its own process group, in which the command is not.
        try child.until(limit: 20) { space.exists("finished") ? true : nil }
    }

    /// Ctrl-C meets all programs of a terminal but not the command, so that training can save what it has.
    @Test func survivesInterruptionOfTraining() throws {
        let space = try withLatents(20000, batch: 1000)
        try give(Self.shapes, to: "given.hls", space)
        let child = try space.start(
            """
            HL_EXEC=1 exec hl-train -q --width 4 --backend plain --batch 8 -n 20000 --checkpoint-every 0 \
              -o encoder.safetensors given.hls
            """)
        try child.until { child.poll() != nil || space.exists("encoder.safetensors.resume") ? true : nil }
        kill(-child.pid, SIGINT)
        #expect(try child.wait() == 128 + SIGINT)
        #expect(try space.names() == ["encoder.safetensors.resume", "given.hls", "latents.hls"])
    }

    /// A reader that stops early ends all of it, without a word.
    @Test func endsWithItsReader() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 20000 --size \(Self.side) -o latents.hls")
        try give(Self.shapes, to: "given.hls", space)
        try space.succeed("HL_EXEC=1 hl-perturb --render given.hls | head -c 100000 > part")
    }

    @Test func inheritsNothing() throws {
        let space = try withLatents(4)
        try give(
            "ls /proc/self/fd > open; sed -n 's/SigIgn:.//p' /proc/self/status > ignored; exec \(Self.shapes)",
            to: "given.hls", space)
        try space.succeed("ls /proc/self/fd > plain; HL_EXEC=1 hl-perturb --render given.hls > rendered.hls")
        #expect(try space.bytes("open") == space.bytes("plain"))
        let mask = try #require(UInt64(try text("ignored", space), radix: 16))
        for signal in [SIGPIPE, SIGXFSZ] { #expect(mask & 1 << (UInt64(signal) - 1) == 0) }
    }

    /// What it has started ends with it, also where its shell has gone first.
    @Test func leavesNothingBehind() throws {
        let space = try withLatents(4)
        func isRunning() throws -> Bool { self.isRunning(try #require(Int32(try text("pid", space)))) }
        // It does its work beside something that would go on for ever.
        _ = try render("sleep 1000 > /dev/null & echo $! > pid; exec \(Self.shapes)", space)
        #expect(try !isRunning())
        // It fails, and what it has started holds its output open.
        try give("sleep 1000 & echo $! > pid; exit 3", to: "given.hls", space)
        let start = Date()
        try space.fail(
            70, "HL_EXEC=1 hl-perturb --render given.hls > rendered.hls", saying: "ended with status 3 after 0 samples")
        #expect(Date().timeIntervalSince(start) < 8)
        #expect(try !isRunning())
        // It does not hear SIGTERM.
        try give("(trap '' TERM; exec sleep 1000) & echo $! > pid; exit 4", to: "given.hls", space)
        try space.fail(70, "HL_EXEC=1 hl-perturb --render given.hls > rendered.hls", saying: "status 4")
        #expect(try !isRunning())
    }

    /// Nor does it outlive us for long when a signal ends us and it does not look at its input.
    @Test func endsAfterUs() throws {
        let space = try withLatents(4)
        try give("sleep 1000 & echo $! $$ > pid; exec sleep 1000", to: "given.hls", space)
        let child = try space.start("HL_EXEC=1 exec hl-perturb --render given.hls")
        let pids = try child.until {
            let pids = ((try? text("pid", space)) ?? "").split(separator: " ").compactMap { Int32($0) }
            return pids.count == 2 ? pids : nil
        }
        child.signal(SIGINT)
        #expect(try child.wait(limit: 5) == 128 + SIGINT)
        #expect(pids.allSatisfy(isRunning))
        try child.until(limit: 20) { pids.contains(where: isRunning) ? nil : true }
    }

    /// One that never answers is mentioned; it may be waiting itself.
    @Test func silenceIsMentioned() throws {
        let space = try withLatents(4)
        try give("cat > /dev/null", to: "given.hls", space)
        let child = try space.start("HL_EXEC=1 exec hl-perturb --render given.hls > rendered.hls")
        try child.until(limit: 15) { try text(".err2", space).isEmpty ? nil : true }
        #expect(
            try text(".err2", space).hasPrefix(
                "hl-perturb: warning: waiting for the generator's command 'cat > /dev/null', which has said nothing for 5 s, "
                    + "with 4 samples to answer"))
        child.signal(SIGTERM)
        #expect(try child.wait(limit: 5) == 128 + SIGTERM)
    }

    /// A training that waits for it can be stopped, and it ends too.
    @Test func waitingForItCanBeStopped() throws {
        let space = try withLatents(16)
        try give("echo $$ > pid; exec sleep 1000", to: "given.hls", space)
        let child = try space.start(
            "HL_EXEC=1 exec hl-train --width 4 --backend plain --batch 8 -n 16 -o e.safetensors given.hls")
        try child.until { (try? text("pid", space)).map { $0.isEmpty ? nil : true } ?? nil }
        usleep(300_000)
        let start = Date()
        child.signal(SIGTERM)
        #expect(try child.wait(limit: 20) == 128 + SIGTERM)
        #expect(Date().timeIntervalSince(start) < 4)
        #expect(try text(".err2", space).contains("stopped before the first step"))
        #expect(!isRunning(try #require(Int32(try text("pid", space)))))
        #expect(try space.names() == ["given.hls", "latents.hls", "pid"])
    }

    // MARK: Trust

    @Test func streamsRunNoCommands() throws {
        let space = try withLatents(8)
        try give("touch ran; exec \(Self.shapes)", to: "given.hls", space)
        try space.succeed("hl-perturb given.hls > pairs.hls")
        for command in [
            "hl-perturb --render given.hls", "hl-view pairs.hls",
            "hl-encode --untrained --width 4 --side 32 --backend plain pairs.hls",
            "hl-train -q --width 4 --backend plain --batch 4 -n 4 pairs.hls",
        ] {
            for permission in ["unset HL_EXEC", "export HL_EXEC=", "export HL_EXEC=0", "export HL_EXEC=yes"] {
                try space.fail(78, "\(permission); \(command)", saying: "HL_EXEC=1")
            }
        }
        #expect(!space.exists("ran"))
        try space.succeed("HL_EXEC=1 hl-perturb --render given.hls > rendered.hls")
        #expect(space.exists("ran"))
    }

    /// Where the images are there already, the command does not matter.
    @Test func attachedImagesNeedNoPermission() throws {
        let space = try withLatents(8)
        _ = try render("touch ran; exec \(Self.shapes)", space)
        unlink(space.file("ran"))
        try space.succeed(
            """
            unset HL_EXEC
            hl-view --rows 2 rendered.hls > pairs.png
            hl-encode --untrained --width 4 --side 32 --backend plain rendered.hls > embedded.hls
            hl-train -q --width 4 --backend plain --batch 4 -n 4 rendered.hls
            """)
        #expect(!space.exists("ran"))
    }

    @Test func refusalsAreFitForATerminal() throws {
        let space = try withLatents(1)
        try give("echo \u{1B}]0;title\u{7}\n\u{202E}#" + String(repeating: "x", count: 500), to: "given.hls", space)
        let outcome = try space.fail(78, "unset HL_EXEC; hl-perturb --render given.hls", saying: "echo")
        #expect(!outcome.errors.unicodeScalars.dropLast().contains { $0.value < 32 || $0 == "\u{202E}" })
        #expect(outcome.errors.count < 400)
    }

    // MARK: Wrong answers

    @Test(arguments: [
        ("exit 3", 70, "ended with status 3 after 0 samples"),
        ("no-such-program 2> /dev/null", 70, "ended with status 127"),
        ("kill -9 $$", 70, "was killed by signal 9 (Killed)"),
        ("cat /dev/null", 65, "ended with status 0 after 0 samples"),
        ("exec <&-; sleep 0.2", 65, "ended with status 0"),
        ("exec >&-; cat > /dev/null", 65, "ended with status 0"),
        ("\(shapes) -n 3", 65, "ended with status 0 after 3 samples"),
        ("head -c 700 images.hls; exit 2", 70, "ended with status 2"),
        ("echo hello; exec cat > /dev/null", 65, "is not a stream (it starts with the text \"hello\")"),
        ("(head -c 2000 images.hls; cat images.hls); exec cat > /dev/null", 65, "is damaged"),
        ("exec cat", 65, "without images x.0"),
        (shapes.replacing("32", with: "64"), 65, "U8 [1, 3, 64, 64], not as U8 or F32"),
        ("cat images.hls; exec cat > /dev/null", 65, "answered sample 100 where sample 0 was asked for"),
        ("cat many.hls; exec cat > /dev/null", 65, "more samples than it was sent"),
        ("cat anonymous.hls; exec cat > /dev/null", 65, "without id"),
        ("cat negative.hls; exec cat > /dev/null", 65, "where F32 goes from 0 to 1"),
        ("cat grey.hls; exec cat > /dev/null", 65, "U8 [8, 1, 32, 32]"),
    ]) func wrongAnswers(command: String, status: Int32, part: String) throws {
        let space = try withLatents(8)
        let shape = [8, 3, Self.side, Self.side]
        let black = HostTensor(.u8, shape: [8, 1, Self.side, Self.side]) {
            _ = $0.initializeMemory(as: UInt8.self, repeating: 0)
        }
        try space.succeed(
            """
            hl-sample --size \(Self.side) -n 8 --start 100 --render > images.hls
            hl-sample --size \(Self.side) -n 9 --render > many.hls
            """)
        try HandMade.stream(to: space.file("anonymous.hls"), ["x.0": HandMade.floats(shape)])
        try HandMade.stream(to: space.file("negative.hls"), ["id": HandMade.ids(8), "x.0": HandMade.floats(shape)])
        try HandMade.stream(to: space.file("grey.hls"), ["id": HandMade.ids(8), "x.0": black])
        try give(command, to: "given.hls", space)
        let outcome = try space.fail(status, "HL_EXEC=1 hl-perturb --render given.hls", saying: part)
        #expect(!StreamContent.isWhole(outcome.output))
    }

    // MARK: The example

    private static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../examples/exec_generator.py").standardized.path

    @Test(.enabled(if: Programs.isInstalled("python3"), "needs python3")) func exampleInPython() throws {
        let space = try withLatents(20, batch: 7)
        let content = try render("exec python3 '\(Self.example)'", space)
        #expect(content.ids == Array(0..<20))
        let images = try #require(content.rows["x.0"])
        #expect(images.values.allSatisfy { $0.count == 3 * 32 * 32 })
        #expect(Set(images.values).count == 20)
        #expect(content.rows["x.1"]?[3] != images[3])
        // The same by hand, in a pipe of its own, from other records.
        try space.succeed(
            "hl-sample --size 32 -n 20 --batch 20 | hl-perturb --chunks 1-5 | python3 '\(Self.example)' > piped.hls")
        #expect(try StreamContent(path: space.file("piped.hls")).rows["x.0"] == images)
        try space.succeed("HL_EXEC=1 hl-perturb --render given.hls | head -c 20000 > part")
    }
}
