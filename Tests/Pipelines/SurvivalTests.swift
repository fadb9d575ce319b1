import Glibc
import HLFormats
import TestSupport
import Testing

/// Stopped runs leave nothing half-written and go on to the same result.
///
/// The scripts `exec` the program at the end of the pipe, so that a signal meets it and nothing else.
struct SurvivalTests {
    private static let settings = "--width 16 --batch 8 -n 480 --checkpoint-every 0 -o encoder.safetensors"
    private static let stream = "hl-sample --size 32 --batch 4 --seed 3 | hl-perturb --chunks 1-5 --seed 4"
    private static let train = "hl-train -q \(settings)"

    /// The command that goes on with what `command`, whose second word is an option or a kind of training, has left.
    private static func resumed(_ command: String) -> String {
        let words = command.split(separator: " ", maxSplits: 2)
        return words[1].hasPrefix("-")
            ? "\(words[0]) --resume \(words[1...].joined(separator: " "))"
            : "\(words[0]) \(words[1]) --resume \(words[2])"
    }

    /// What a run that nobody stopped ends with.
    private static let undisturbed = Result {
        let space = try Workspace()
        try space.succeed("\(train) < <(\(stream))")
        return try Safetensors.read(path: space.file("encoder.safetensors"))
    }

    /// Resumes and compares every tensor, bit for bit, and what the file says but for its history, whose last entry
    /// names --resume.
    private func expectSameEnd(
        _ space: Workspace, _ command: String = Self.train, reading stream: String = Self.stream, steps: Int = 60,
        as whole: TensorFile? = nil
    ) throws {
        let outcome = try space.run("\(Self.resumed(command).replacing(" -q ", with: " ")) < <(\(stream))")
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

    /// Where, and how, a run is stopped: after `steps` more than it has, and before it has seen `samples`, as its stream
    /// has no more for it.
    private struct Stop {
        let signal: Int32
        let steps, samples: Int

        init(_ signal: Int32, steps: Int, samples: Int) {
            self.signal = signal
            self.steps = steps
            self.samples = samples
        }
    }

    /// Starts a run and stops it, and goes on with what is left at each further stop.
    private func stop(
        _ command: String = Self.train, reading stream: String = Self.stream, at stops: [Stop], in space: Workspace,
        _ output: String = "encoder.safetensors"
    ) throws {
        let checkpoint = output + ".resume"
        func steps() -> Int {
            (try? Safetensors.read(path: space.file(checkpoint)))?.metadata["hl.step"].flatMap { Int($0) } ?? 0
        }
        for (number, stop) in stops.enumerated() {
            let words = number == 0 ? command : Self.resumed(command)
            let stalling = try space.stalling(stream, after: stop.samples), begin = steps()
            var last: UInt?
            let child = try space.start("exec \(words) < <(\(stalling))")
            try child.until {
                #expect(child.poll() == nil, "the run ended before it was stopped")
                if child.poll() != nil || stop.steps == 0 { return true }
                let now = space.identity(checkpoint)
                defer { last = now }
                return now != last && steps() >= begin + stop.steps ? true : nil
            }
            child.signal(stop.signal)
            #expect(try child.wait() == 128 + stop.signal)
            #expect(!space.exists(output))
        }
    }

    @Test func killedAtSeveralMoments() throws {
        let space = try Workspace()
        // Once before the first checkpoint, then each time some steps further on; also right behind a resumption.
        try stop(
            at: [(0, 80), (1, 160), (1, 240), (6, 320), (8, 420)].map { Stop(SIGKILL, steps: $0, samples: $1) },
            in: space)
        try expectSameEnd(space)
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func politelyStopped(number: Int32) throws {
        let space = try Workspace()
        try stop(at: [Stop(number, steps: 3, samples: 240)], in: space)
        #expect(try space.names() == ["encoder.safetensors.resume"])
        try expectSameEnd(space)
    }

    /// Momentum encoders, a queue and another optimiser are part of what a run goes on from.
    @Test(arguments: ["byol", "moco --queue 20"]) func killedWithAMomentumEncoder(method: String) throws {
        let run = "hl-train -q --method \(method) \(Self.settings) -n 160"
        let whole = try Workspace(), space = try Workspace()
        try whole.succeed("\(run) < <(\(Self.stream))")
        try stop(run, at: [Stop(SIGKILL, steps: 3, samples: 80)], in: space)
        try expectSameEnd(space, run, steps: 20, as: Safetensors.read(path: whole.file("encoder.safetensors")))
    }

    /// Several positives of each anchor, and the random directions of a step.
    @Test(arguments: ["stablerep --positives 3", "lejepa --positives 2 --slices 32"])
    func killedWithManyViews(method: String) throws {
        let views = "hl-sample --size 32 --batch 4 --seed 3 | hl-perturb --chunks 1-5 --views 3 --seed 4"
        let run = "hl-train -q --method \(method) \(Self.settings) -n 160"
        let whole = try Workspace(), space = try Workspace()
        try whole.succeed("\(run) < <(\(views))")
        try stop(
            run, reading: views,
            at: [Stop(SIGKILL, steps: 3, samples: 56), Stop(SIGTERM, steps: 5, samples: 128)], in: space)
        try expectSameEnd(
            space, run, reading: views, steps: 20, as: Safetensors.read(path: whole.file("encoder.safetensors")))
        let settings = try Safetensors.read(path: space.file("encoder.safetensors")).metadata["hl.training"] ?? ""
        #expect(settings.contains("\"positives\":\(method.hasPrefix("lejepa") ? 2 : 3)"), "\(settings)")
    }

    // MARK: Discriminators

    private static let real = "--real <(hl-sample --size 32 --clean --seed 1)"
    private static let generated = "hl-sample --size 32 --batch 4 --seed 2"
    private static let judge =
        "--width 4 --batch 8 --held-out 100 -n 480 --checkpoint-every 0 --log d.log -o d.safetensors"

    /// Two streams, the images held out of them, network, optimiser, log: the file is the same byte for byte.
    @Test func discriminators() throws {
        let whole = try Workspace(), space = try Workspace()
        let run = "hl-train discriminator \(Self.judge) \(Self.real)"
        #expect(try whole.run("\(run) < <(\(Self.generated))").status == 0)
        // Before the first checkpoint, then with other signals some steps further on, and right behind a resumption.
        try stop(
            run, reading: Self.generated,
            at: [
                Stop(SIGKILL, steps: 0, samples: 180), Stop(SIGTERM, steps: 3, samples: 260),
                Stop(SIGKILL, steps: 2, samples: 340), Stop(SIGINT, steps: 9, samples: 500),
            ], in: space, "d.safetensors")
        let end = try space.run("\(Self.resumed(run)) < <(\(Self.generated))")
        #expect(end.status == 0 && end.errors.contains(/resuming after [1-9][0-9]* of 60 steps\n/), "\(end.errors)")
        #expect(try space.bytes("d.safetensors") == whole.bytes("d.safetensors"))
        #expect(try space.bytes("d.log") == whole.bytes("d.log"))
        #expect(try String(decoding: space.bytes("d.log"), as: UTF8.self).split(separator: "\n").count == 7)
        #expect(!space.exists("d.safetensors.resume"))
    }

    @Test func discriminatorsOfSomethingElse() throws {
        let space = try Workspace()
        let train =
            "hl-train discriminator -q --width 4 --batch 8 --held-out 20 -n 480 --checkpoint-every 0 -o d.safetensors"
        let real = "--real <(hl-sample --size 32 --clean --seed 1)"
        try space.fail(
            65, "\(train) \(real) < <(hl-sample --size 32 --seed 2 -n 40)",
            saying: "standard input ended after 16 of 480 images of each kind")
        // What a stopped run has left is not overwritten unasked.
        let generated = "< <(\(Self.generated))"
        try space.fail(73, "\(train) \(real) \(generated)", saying: "holds a run that was stopped")
        try stop(
            "\(train) --force \(real)", reading: Self.generated, at: [Stop(SIGTERM, steps: 4, samples: 300)], in: space,
            "d.safetensors")
        #expect(try space.names() == ["d.safetensors.resume"])
        let kept = try space.bytes("d.safetensors.resume")
        let metadata = try Safetensors.read(path: space.file("d.safetensors.resume")).metadata
        #expect(metadata["hl.stream"]?.split(separator: " ").count == 2)
        // Either stream, both exchanged, and the settings.
        for (options, streams, part) in [
            ("", "\(real) < <(hl-sample --size 32 --seed 3)", "not the stream"),
            ("", "--real <(hl-sample --size 32 --clean --seed 4) \(generated)", "not the stream"),
            ("", "--real <(hl-sample --size 32 --seed 2) < <(hl-sample --size 32 --clean --seed 1)", "not the stream"),
            ("--held-out 21", "\(real) \(generated)", "other settings"),
            ("--learning-rate 0.1", "\(real) \(generated)", "other settings"),
            ("-n 640", "\(real) \(generated)", "other settings"),
        ] {
            try space.fail(78, "\(train) --resume \(options) \(streams)", saying: part)
            #expect(try space.bytes("d.safetensors.resume") == kept)
        }
        try space.succeed("\(train) --resume \(real) \(generated)")
        #expect(try space.names() == ["d.safetensors"])
    }

    // MARK: Generators

    private static let images = "hl-sample --size 32 --batch 4 --clean --seed 3"
    private static let painter =
        "--width 4 --chunk-size 10 --batch 4 -n 600 --checkpoint-every 0 --every 200 --log g.log -o g.safetensors"

    /// Both networks with all that they carry, what is held out and measured, and the batch that doubles on the way: file,
    /// log and kept checkpoints are the same byte for byte.
    @Test(arguments: [
        "--content infonce --augment colour,translation,cutout",
        "--content cells --discriminator-steps 2 --features e.safetensors --eval-images 20 --eval-every 150",
    ]) func generators(options: String) throws {
        let whole = try Workspace(), space = try Workspace()
        let run = "hl-train generator \(Self.painter) \(options)"
        for place in [whole, space] {
            try place.succeed(
                "hl-sample --size 32 -n 4 | hl-perturb | hl-train -q --width 4 --batch 4 -n 4 -o e.safetensors")
        }
        let undisturbed = try whole.run("\(run) < <(\(Self.images))")
        #expect(undisturbed.status == 0, "\(undisturbed.errors)")
        try stop(
            run, reading: Self.images,
            at: [
                Stop(SIGKILL, steps: 0, samples: 120), Stop(SIGTERM, steps: 3, samples: 240),
                Stop(SIGKILL, steps: 2, samples: 340), Stop(SIGINT, steps: 9, samples: 560),
            ], in: space, "g.safetensors")
        let end = try space.run("\(Self.resumed(run)) < <(\(Self.images))")
        #expect(end.status == 0 && end.errors.contains(/resuming after [1-9][0-9]* of [0-9]+ steps\n/), "\(end.errors)")
        for name in ["g.safetensors", "g.log"] { #expect(try space.bytes(name) == whole.bytes(name), "\(name)") }
        let kept = try whole.succeed("ls g.checkpoints").text.split(separator: "\n")
        #expect(kept.count >= 9)
        for name in kept {
            #expect(try space.bytes("g.checkpoints/\(name)") == whole.bytes("g.checkpoints/\(name)"), "\(name)")
        }
        #expect(!space.exists("g.safetensors.resume"))
    }

    @Test func generatorsOfSomethingElse() throws {
        let space = try Workspace()
        let train =
            "hl-train generator -q --width 4 --chunk-size 5 --batch 4 -n 600 --checkpoint-every 0 -o g.safetensors"
        try space.fail(
            65, "\(train) < <(hl-sample --size 32 --clean --seed 3 -n 21)",
            saying: "standard input ended after 20 of 600 images"
        )
        try space.fail(73, "\(train) < <(\(Self.images))", saying: "holds a run that was stopped")
        let kept = try space.bytes("g.safetensors.resume")
        for (options, stream, part) in [
            ("", "hl-sample --size 32 --clean --seed 4", "not the stream"),
            ("", "hl-sample --size 64 --clean --seed 3", "not the stream"),
            ("--width 5", "hl-sample --size 32 --clean --seed 3", "--width 4 there, 5 here"),
            ("-n 900", "hl-sample --size 32 --clean --seed 3", "-n 600 there, 900 here"),
            (
                "--content infonce", "hl-sample --size 32 --clean --seed 3",
                "--content none there, infonce here"
            ),
            ("--discriminator-rate 0.1", "hl-sample --size 32 --clean --seed 3", "--discriminator-rate"),
            ("--augment cutout", "hl-sample --size 32 --clean --seed 3", "--augment none there, cutout here"),
        ] {
            try space.fail(78, "\(train) --resume \(options) < <(\(stream))", saying: part)
            #expect(try space.bytes("g.safetensors.resume") == kept)
        }
    }

    // MARK: What does not fit

    /// Earlier releases kept options of all methods in every checkpoint, some number with more digits than it has, and seeds as text.
    @Test func settingsOfEarlierReleases() throws {
        let space = try Workspace()
        let train = "hl-train -q --method simsiam \(Self.settings)"
        try stop(train, at: [Stop(SIGTERM, steps: 3, samples: 240)], in: space)
        var file = try Safetensors.read(path: space.file("encoder.safetensors.resume"))
        let settings = try JSONValue(parsing: file.metadata["hl.training"] ?? "", name: "hl.training")
        var all = try #require(settings.object)
        #expect(all["temperature"] == nil && all["classes"] == nil && all["head_norm"] == nil)
        all["seed"] = .string("0")
        all["momentum"] = .number(all["momentum"] == 0.9 ? Double(Float(0.9)) : 0.9)
        all["temperature"] = 0.1
        all["classes"] = 10
        all["head_norm"] = true
        file.metadata["hl.training"] = JSONValue.object(all).text
        try Safetensors.write(file, to: space.file("encoder.safetensors.resume"))
        try space.succeed("\(Self.resumed(train)) < <(\(Self.stream))")
        #expect(try space.names() == ["encoder.safetensors"])
    }

    @Test func resumingSomethingElse() throws {
        let space = try Workspace()
        let pairs = "hl-perturb --chunks 1-5 --seed 4"
        try space.fail(
            65, "hl-train -q \(Self.settings) < <(hl-sample --size 32 --seed 3 -n 40 | \(pairs))",
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

    /// A precision is a setting in both directions, also where it is left out.
    @Test func resumingInAnotherPrecision() throws {
        for (first, second) in [("--precision bf16", ""), ("", "--precision bf16")] {
            let space = try Workspace()
            let stream = "hl-sample --size 32 --seed 3 -n 40 | hl-perturb --chunks 1-5"
            let train = "hl-train -q --backend plain \(Self.settings)"
            try space.fail(65, "\(train) \(first) < <(\(stream))", saying: "after 40 of 480 pairs")
            try space.fail(78, "\(train) --resume \(second) < <(\(stream))", saying: "precision")
            try space.fail(65, "\(train) --resume \(first) < <(\(stream))", saying: "after 40 of 480 pairs")
        }
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
