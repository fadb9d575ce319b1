import Foundation
import Glibc
import HLFormats
import TestSupport
import Testing

/// What signals do: a training saves and leaves at once, whatever it waits for, and nothing half-written stays.
struct SignalTests {
    private static let train = "hl-train --width 4 --backend plain --batch 8 -n 400 --log log -o e.safetensors"
    private static let views = "hl-sample --size 32 --seed 3 -n 400 --batch 16 | hl-perturb --chunks 1-5 --seed 4"

    /// The weights of a run that nobody stopped.
    private static let undisturbed = Result {
        let space = try Workspace()
        try space.succeed("\(views) | \(train) -q")
        return try Safetensors.read(path: space.file("e.safetensors")).tensors
    }

    /// A training that has used up three quarters of a stream and waits for more.
    private func stalled(_ space: Workspace, _ options: String = "") throws -> Child {
        try space.succeed("\(Self.views) > all.hls; head -c $(( $(stat -c %s all.hls) * 3 / 4 )) all.hls > part")
        let child = try space.start(
            "mkfifo pipe; (cat part; exec sleep 100) > pipe & exec \(Self.train) \(options) < pipe")
        try child.until { (try? space.text("log"))?.contains("\"step\":31,") == true ? true : nil }
        usleep(500_000)
        return child
    }

    private func expectSameEnd(_ space: Workspace) throws {
        let outcome = try space.run("\(Self.train) --resume < all.hls")
        #expect(outcome.status == 0 && outcome.errors.contains("resuming after 3"), "\(outcome.errors)")
        let weights = try Safetensors.read(path: space.file("e.safetensors")).tensors
        for (name, tensor) in try Self.undisturbed.get() {
            let other = try #require(weights[name])
            #expect(tensor.withUnsafeBytes { [UInt8]($0) } == other.withUnsafeBytes { [UInt8]($0) }, "\(name)")
        }
    }

    /// Whatever asks it to end, batch systems with their own signals included.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU])
    func savesWhileItsInputStalls(number: Int32) throws {
        let space = try Workspace(), child = try stalled(space), start = Date()
        child.signal(number)
        #expect(try child.wait(limit: 20) == 128 + number)
        #expect(Date().timeIntervalSince(start) < 3)
        #expect(try space.names() == ["all.hls", "e.safetensors.resume", "log", "part", "pipe"])
        let words = try space.text(".err2")
        #expect(words.contains("saving after this step"))
        #expect(words.contains(/stopped after 3[0-9] of 50 steps; --resume goes on\n/), "\(words)")
        if number == SIGTERM { try expectSameEnd(space) }
    }

    /// `timeout` sends its signal twice.
    @Test(arguments: [SIGTERM, SIGINT]) func twiceIsOnce(number: Int32) throws {
        let space = try Workspace(), child = try stalled(space, "-q")
        for _ in 0..<5 { child.signal(number) }
        #expect(try child.wait(limit: 20) == 128 + number)
        #expect(space.exists("e.safetensors.resume"))
        #expect(try space.text(".err2").isEmpty)
    }

    /// The programs before it in the pipe die of the signal too, and leave a stream without an end.
    @Test func savesWhileItsInputDies() throws {
        for _ in 0..<4 {
            let space = try Workspace()
            let child = try space.start(
                "exec \(Self.train) -n 40000 < <(hl-sample --size 32 --batch 8 | hl-perturb --chunks 1-5)")
            try child.until { (try? space.text("log"))?.contains("\"step\":11,") == true ? true : nil }
            kill(-child.pid, SIGTERM)
            #expect(try child.wait(limit: 20) == 128 + SIGTERM)
            let words = try space.text(".err1")
            #expect(space.exists("e.safetensors.resume"), "\(words)")
        }
    }

    /// A stream that is cut takes nothing away from the steps before.
    @Test func keepsWhatCameBeforeACut() throws {
        let space = try Workspace()
        try space.succeed("\(Self.views) > all.hls; head -c $(( $(stat -c %s all.hls) * 3 / 4 )) all.hls > part")
        try space.fail(65, "\(Self.train) -q < part", saying: "--resume goes on from e.safetensors.resume")
        try expectSameEnd(space)
    }

    /// One stream of two is read from when the other one ends; the checkpoint counts what was trained on.
    @Test func oneOfTwoStreamsEnds() throws {
        let space = try Workspace()
        let train =
            "hl-train discriminator -q --width 4 --backend plain --batch 8 --held-out 20 -n 80 -o d.safetensors"
            + " --real <(hl-sample --size 32 --clean --seed 1) < <(hl-sample --from z.npy --generator shapes --size 32)"
        func draw(_ count: Int) throws {
            let description = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(count), 6, 20), }"
            let header = description + String(repeating: " ", count: 117 - description.count) + "\n"
            var bytes: [UInt8] = [0x93] + Array("NUMPY\u{1}\0\u{76}\0".utf8) + Array(header.utf8)
            for value in 0..<count * 120 {
                let latent = Float(value * 7919 % 1000) / 500 - 1
                withUnsafeBytes(of: latent) { bytes += $0 }
            }
            try space.write(bytes, to: "z.npy")
        }
        try draw(60)
        try space.fail(65, train, saying: "after 40 of 80")
        try draw(100)
        try space.succeed(train + " --resume")
    }

    /// What Ctrl-C does is said at once, and another one does not wait for a step that takes long.
    @Test func impatience() throws {
        let space = try Workspace()
        let child = try space.start(
            """
            exec hl-train --backend plain --threads 1 --batch 256 --checkpoint-every 0 --log log -o e.safetensors \
              < <(hl-sample | hl-perturb)
            """)
        try child.until { space.exists("log") ? true : nil }
        usleep(500_000)
        child.signal(SIGINT)
        let words = "hl-train: saving after this step; Ctrl-C again loses it\n"
        try child.until(limit: 2) { try space.text(".err1") == words ? true : nil }
        usleep(700_000)
        child.signal(SIGINT)
        #expect(try child.wait(limit: 5) == 128 + SIGINT)
        #expect(try space.names() == ["log"])
        #expect(try space.text(".err1").hasPrefix(words + "hl-train: ended without saving"))
    }

    /// The parent sees the signal, not an exit status, so that a shell ends its loop too.
    @Test func theParentSeesTheSignal() throws {
        let space = try Workspace()
        let child = try space.start("exec \(Self.train) -q -n 40000 --checkpoint-every 0 < <(hl-sample --size 32)")
        try child.until { space.exists("e.safetensors.resume") ? true : nil }
        child.signal(SIGINT)
        #expect(try child.wait() == 128 + SIGINT)
        #expect(child.killer == SIGINT)
    }

    // MARK: Files

    /// Every signal that ends a program removes what it was writing.
    @Test(arguments: [
        SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGTRAP,
        Int32(50),
    ])
    func nothingHalfWrittenStays(number: Int32) throws {
        let space = try Workspace()
        let child = try space.start(
            "ulimit -c 0; export SWIFT_BACKTRACE=enable=no; exec hl-perturb -o a.hls < <(hl-sample)")
        let temporary = ".hl-\(child.pid)-0.tmp"
        try child.until { try space.exists(temporary) && !space.bytes(temporary).isEmpty ? true : nil }
        child.signal(number)
        #expect(try child.wait(limit: 20) == 128 + number)
        #expect(try space.names().isEmpty)
    }

    /// A limit on file sizes is an error like a full disk, for whatever writes.
    @Test func limitOfFileSizes() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 64 --size 32 -o a.hls")
        for command in [
            "hl-sample -n 100000 -o big.hls", "hl-perturb --views 400 -o big.hls a.hls",
            "hl-sample -n 100000 > .out",
            "hl-train -q --width 16 --batch 8 -n 16 --backend plain a.hls -o e.safetensors",
        ] {
            try space.fail(74, "ulimit -f 200; \(command)", saying: "lift the limit on file sizes")
            #expect(try space.names() == ["a.hls"])
        }
    }
}
