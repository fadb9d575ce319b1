import Glibc
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Discriminators and generators under the launchers.
extension RanksTests {
    private static let some = "hl-sample --shard mpi --size 32 --seed 3"
    private static let real = "hl-sample --clean --shard mpi --size 32 --seed 5"

    /// Sharing out 7 images to 2 ranks leaves one with less.
    private static func discriminator(_ options: String) -> String {
        "\(some) | hl-train discriminator -q --threads 1 --width 4 --batch 8 --held-out 7 --checkpoint-every 0 "
            + "--real <(\(real)) \(options)"
    }

    private static func generator(_ options: String) -> String {
        "\(real) | hl-train generator -q --threads 1 --width 4 --chunk-size 10 --batch 4 --checkpoint-every 0 \(options)"
    }

    private func ofOne(_ script: String) -> String { script.replacing("--shard mpi ", with: "") }

    private func expectClose(
        _ names: [String], _ tolerance: Double, in space: Workspace, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for name in names {
            let (two, one) = (try values(name, in: space, "two.jsonl"), try values(name, in: space, "one.jsonl"))
            #expect(two.count == one.count && !two.isEmpty, sourceLocation: sourceLocation)
            for (a, b) in zip(two, one) {
                #expect(abs(a - b) <= tolerance * max(1, abs(b)), "\(name): \(a), \(b)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test(.enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: installed)
    func discriminatorIsThatOfOneProcess(_ launcher: Launcher) throws {
        let space = try Workspace()
        try space.succeed(launcher.start(2, Self.discriminator("-n 40 -o two.safetensors --log two.jsonl")))
        try space.succeed(ofOne(Self.discriminator("-n 40 -o one.safetensors --log one.jsonl")))
        try expectClose(["loss"], 1e-3, in: space)
        let (two, one) = try ["two", "one"].map { name in
            let file = try Safetensors.read(path: space.file("\(name).safetensors"))
            return try JSONValue(parsing: try #require(file.metadata["hl.discriminator"]), name: name)
        }.pair
        #expect(two["held_out"] == 7 && one["held_out"] == 7)
        // One of 49 pairs may be ranked otherwise.
        #expect(abs((two["auc"]?.number ?? 0) - (one["auc"]?.number ?? 1)) <= 1.0 / 49)
        #expect(try space.names() == ["one.jsonl", "one.safetensors", "two.jsonl", "two.safetensors"])
    }

    @Test(
        .enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"),
        arguments: first.flatMap { [($0, "none"), ($0, "cells")] } + installed.map { ($0, "infonce") })
    func generatorIsThatOfOneProcess(_ form: (launcher: Launcher, content: String)) throws {
        let (launcher, content) = form
        let space = try Workspace(), run = Self.generator("--content \(content) --no-double-batch -n 12 --every 8")
        try space.succeed(launcher.start(2, "\(run) -o two.safetensors --log two.jsonl"))
        try space.succeed(ofOne("\(run) -o one.safetensors --log one.jsonl"))
        try expectClose(
            ["discriminator_loss", "generator_loss", "real_score", "generated_score", "real_accuracy", "samples"]
                + (content == "infonce" ? ["content_loss"] : []), 1e-3, in: space)
        let names = try space.names()
        #expect(names.count == 6 && names.contains("two.checkpoints"))
    }

    /// The first rank measures, on what all of them hold out, in the order of one process; no rank waits in vain where that
    /// is in a step that nothing is logged of otherwise, and all of them stop there.
    @Test(
        .enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: first,
        [false, true])
    func generatorIsMeasuredByTheFirst(_ launcher: Launcher, stops: Bool) throws {
        let space = try Workspace(), rule = stops ? "--stop-when \"frechet<1e9\"" : ""
        try space.succeed(
            "hl-sample --size 32 -n 8 | hl-perturb | hl-train -q --width 4 --batch 4 -n 8 -o e.safetensors")
        let run = Self.generator(
            "--no-double-batch -n 16 --features e.safetensors --eval-images 11 --eval-every 8 \(rule)")
        try space.succeed(launcher.start(2, "\(run) -o two.safetensors --log two.jsonl"))
        try space.succeed(ofOne("\(run) -o one.safetensors --log one.jsonl"))
        #expect(try values("samples", in: space, "two.jsonl") == (stops ? [4, 8] : [4, 8, 16]))
        let entries = try ["two", "one"].map { name in
            try space.text("\(name).jsonl").split(separator: "\n").compactMap {
                try JSONValue(parsing: String($0), name: name)["frechet"]?.number
            }
        }
        #expect(entries[0].count == entries[1].count && entries[0].count == (stops ? 1 : 2))
        for (a, b) in zip(entries[0], entries[1]) { #expect(abs(a - b) < 1e-2 * b, "\(a), \(b)") }
    }

    /// An encoder that the first rank judges in steps of which nothing is logged otherwise.
    @Test(.enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: first)
    func stopsWhereTheFirstRankSays(_ launcher: Launcher) throws {
        let space = try Workspace()
        try space.succeed("hl-sample --size 32 -n 40 -o labelled.hls")
        let options = "--eval labelled.hls --eval-every 24 --stop-when \"eval_knn>=0\" -n 240 --log log.jsonl"
        try space.succeed(launcher.start(2, Self.train("\(options) 2>&1 | (grep -v RankMe || true)")))
        #expect(try values("samples", in: space, "log.jsonl") == [8, 24])
    }

    /// Asked to stop, resumed, and the same bits; not with other ranks.
    @Test(
        .enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: first,
        ["discriminator", "generator"])
    func adversarialStoppedAndResumed(_ launcher: Launcher, _ trainee: String) throws {
        let whole = try Workspace(), space = try Workspace()
        func script(_ options: String) -> String {
            trainee == "generator"
                ? Self.generator("--content infonce -n 360 -o t.safetensors \(options)")
                : Self.discriminator("-n 480 -o t.safetensors \(options)")
        }
        try whole.succeed(launcher.start(2, script("")))
        let named = script("").replacing(
            "| hl-train", with: "| { echo $BASHPID >pid.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec hl-train")
        let child = try space.start(launcher.start(2, named + "; }"))
        try child.until { space.exists("t.safetensors.resume") ? true : nil }
        kill(try #require(pid_t(String(try space.text("pid.1").prefix { $0 != "\n" }))), SIGTERM)
        #expect(try child.wait(limit: 20) != 0)
        #expect(space.exists("t.safetensors.resume") && !space.exists("t.safetensors"))
        let other = try space.run(ofOne(script("--resume")))
        #expect(other.status == 78 && other.errors.contains("by 2 processes in "), "\(other.errors)")
        try space.succeed(launcher.start(2, script("--resume 2>&1 | (grep -v resuming || true)")))
        expectSame(
            try Safetensors.read(path: space.file("t.safetensors")),
            try Safetensors.read(path: whole.file("t.safetensors")))
    }

    @Test(.enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: first)
    func adversarialRefusals(_ launcher: Launcher) throws {
        let space = try Workspace()
        try space.succeed("hl-sample --clean --size 32 -n 40 -o real.hls")
        func expect(_ status: Int32, _ ranks: Int, _ script: String, _ part: String) throws {
            let outcome = try space.run(launcher.start(ranks, script))
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.contains(part), "\(outcome.errors)")
        }
        let unshared = Self.discriminator("-n 16").replacing("<(\(Self.real))", with: "real.hls")
        try expect(78, 2, unshared, "ranks 0 and 1 are given the same samples by real.hls")
        try expect(64, 3, Self.discriminator("-n 16"), "8 images a step cannot be shared out to 3 processes")
        try expect(64, 2, Self.discriminator("-n 16 --held-out 1"), "1 images to hold out cannot be shared out")
        try expect(64, 2, Self.generator("--content infonce -n 24 --batch 6"), "give a --batch that 4 divides")
        try expect(64, 4, Self.generator("-n 24 --batch 6"), "6 images a step cannot be shared out to 4 processes")
        try space.succeed(
            "hl-sample --size 32 -n 8 | hl-perturb | hl-train -q --width 4 --batch 4 -n 8 -o e.safetensors")
        for heldOut in ["", "--features e.safetensors --eval-images 9"] {
            try expect(
                78, 2, ofOne(Self.generator("-n 16 \(heldOut)")),
                "ranks 0 and 1 are given the same samples by standard input")
        }
        let sizes = "\(Self.real) --size $((32 << ${OMPI_COMM_WORLD_RANK:-$PMI_RANK}))"
        try expect(
            78, 2, Self.generator("-n 16").replacing(Self.real, with: sizes),
            "rank 1 has images of another size than rank 0 (32 pixels)")
    }
}

extension Array {
    /// The elements of an array of two.
    fileprivate var pair: (Element, Element) { (self[0], self[1]) }
}
