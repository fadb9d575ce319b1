import Glibc
import HLFormats
import TestSupport
import Testing

/// Stopped runs leave nothing half-written and go on to the same result.
///
/// The scripts `exec` the program at the end of the pipe, so that a signal meets it and nothing else.
struct SurvivalTests {
    private static let settings = "--width 16 --batch 8 -n 480 --checkpoint-every 0 -o encoder.safetensors"
    private static let stream = "< <(hl-sample --size 32 --seed 3 | hl-perturb --chunks 1-5 --seed 4)"
    private static let pipe = "exec hl-train -q \(settings) \(stream)"
    private static let resumed = "exec hl-train -q --resume \(settings) \(stream)"

    /// What a run that nobody stopped ends with.
    private static let undisturbed = Result {
        let space = try Workspace()
        try space.succeed(pipe)
        return try Safetensors.read(path: space.file("encoder.safetensors"))
    }

    /// Resumes and compares every tensor, bit for bit, and what the file says but for its history, whose last entry
    /// names --resume.
    private func expectSameEnd(
        _ space: Workspace, _ resumed: String = Self.resumed, steps: Int = 60, as whole: TensorFile? = nil
    ) throws {
        let outcome = try space.run(resumed.replacing(" -q ", with: " "))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains(/hl-train: resuming after [1-9][0-9]* of [0-9]+ steps\n/))
        #expect(outcome.errors.contains(" of \(steps) steps\n"))
        let a = try Safetensors.read(path: space.file("encoder.safetensors")), b = try whole ?? Self.undisturbed.get()
        #expect(a.tensors.names == b.tensors.names)
        for key in ["hl.encoder", "hl.training"] { #expect(a.metadata[key] == b.metadata[key]) }
        for (name, tensor) in a.tensors {
            let other = try #require(b.tensors[name])
            #expect(tensor.withUnsafeBytes { [UInt8]($0) } == other.withUnsafeBytes { [UInt8]($0) }, "\(name)")
        }
        #expect(!space.exists("encoder.safetensors.resume"))
    }

    /// Waits until the checkpoint has been written anew `times` times; false if the run ended before.
    private func waitForCheckpoints(_ times: Int, of child: Child, in space: Workspace) throws -> Bool {
        var seen = 0
        var last: UInt?
        return try child.until {
            if child.poll() != nil { return false }
            let now = space.identity("encoder.safetensors.resume")
            if now != last {
                last = now
                seen += now == nil ? 0 : 1
            }
            return seen >= times ? true : nil
        }
    }

    @Test func killedAtSeveralMoments() throws {
        let space = try Workspace()
        // Once before the first checkpoint, then each time some steps further on; also right behind a resumption.
        for (number, checkpoints) in [0, 1, 1, 6, 9].enumerated() {
            let child = try space.start(number == 0 ? Self.pipe : Self.resumed)
            #expect(try waitForCheckpoints(checkpoints, of: child, in: space), "the run ended before it was killed")
            child.signal(SIGKILL)
            #expect(try child.wait() == 128 + SIGKILL)
            #expect(!space.exists("encoder.safetensors"))
        }
        try expectSameEnd(space)
    }

    @Test(arguments: [SIGTERM, SIGINT]) func politelyStopped(number: Int32) throws {
        let space = try Workspace()
        let child = try space.start(Self.pipe)
        #expect(try waitForCheckpoints(3, of: child, in: space))
        child.signal(number)
        #expect(try child.wait() == 128 + number)
        #expect(try space.names() == ["encoder.safetensors.resume"])
        try expectSameEnd(space)
    }

    /// Momentum encoders, a queue and another optimiser are part of what a run goes on from.
    @Test(arguments: ["byol", "moco --queue 20"]) func killedWithAMomentumEncoder(method: String) throws {
        let run = "exec hl-train -q --method \(method) \(Self.settings) -n 160 \(Self.stream)"
        let whole = try Workspace()
        try whole.succeed(run)
        let space = try Workspace()
        let child = try space.start(run)
        #expect(try waitForCheckpoints(3, of: child, in: space), "the run ended before it was killed")
        child.signal(SIGKILL)
        #expect(try child.wait() == 128 + SIGKILL)
        try expectSameEnd(
            space, run.replacing(" -q ", with: " -q --resume "), steps: 20,
            as: Safetensors.read(path: whole.file("encoder.safetensors")))
    }

    @Test func resumingSomethingElse() throws {
        let space = try Workspace()
        let pairs = "hl-perturb --chunks 1-5 --seed 4"
        try space.fail(65, "hl-train -q \(Self.settings) < <(hl-sample --size 32 --seed 3 -n 40 | \(pairs))",
            saying: "after 40 of 480 pairs")
        #expect(try space.names() == ["encoder.safetensors.resume"])
        let kept = try space.bytes("encoder.safetensors.resume")
        let resume = "hl-train -q --resume \(Self.settings)"
        // Other seeds, other settings, another generator's size, and too few samples to skip.
        for (options, stream) in [
            ("", "hl-sample --size 32 --seed 9 -n 400 | \(pairs)"),
            ("", "hl-sample --size 32 --seed 3 -n 40 | hl-perturb --chunks 1-5 --seed 5"),
            ("", "hl-sample --size 40 --seed 3 -n 40 | \(pairs)"),
            ("", "hl-sample --size 32 --seed 3 -n 9 | \(pairs)"),
            ("--momentum 0.8", "hl-sample --size 32 --seed 3 -n 40 | \(pairs)"),
            ("--method moco", "hl-sample --size 32 --seed 3 -n 40 | \(pairs)"),
            ("--method simsiam", "hl-sample --size 32 --seed 3 -n 40 | \(pairs)"),
            ("--seed 1", "hl-sample --size 32 --seed 3 -n 40 | \(pairs)"),
        ] {
            try space.fail(78, "\(resume) \(options) < <(\(stream))")
            #expect(try space.bytes("encoder.safetensors.resume") == kept)
        }
        try space.write("no checkpoint".utf8, to: "encoder.safetensors.resume")
        try space.fail(65, "\(resume) < <(hl-sample --size 32 --seed 3 -n 40 | \(pairs))")
        #expect(!space.exists("encoder.safetensors"))
    }

    @Test func tooShortToBegin() throws {
        let space = try Workspace()
        try space.fail(65, "hl-sample --size 32 -n 7 | hl-train -q \(Self.settings)")
        #expect(try space.names().isEmpty)
    }

    /// Whatever kills a writer, the file under the final name is the old one or none.
    @Test(arguments: [SIGKILL, SIGTERM, SIGINT, SIGHUP]) func killedWriters(number: Int32) throws {
        let space = try Workspace()
        try space.write("old".utf8, to: "old.hls")
        for name in ["new.hls", "old.hls"] {
            let child = try space.start("exec hl-perturb -o \(name) < <(hl-sample)")
            let temporary = ".hl-\(child.pid)-0.tmp"
            try child.until { try space.exists(temporary) && !space.bytes(temporary).isEmpty ? true : nil }
            child.signal(number)
            #expect(try child.wait() == 128 + number)
            // Only SIGKILL leaves the temporary file.
            #expect(space.exists(temporary) == (number == SIGKILL))
        }
        #expect(!space.exists("new.hls"))
        #expect(try space.bytes("old.hls") == Array("old".utf8))
    }
}
