import Glibc
import HLFormats
import HLTensor
import TestSupport
import Testing

/// What cannot work is refused in one line, with the exit status of sysexits.h.
struct RefusalTests {
    @Test func missingTensors() throws {
        let space = try Workspace()
        func make(_ name: String, _ tensors: NamedTensors) throws {
            try HandMade.stream(to: space.file(name), tensors)
        }
        let (ids, latents) = (HandMade.ids(4), HandMade.floats([4, 6, 20]))
        let labels = HostTensor([Int64(0), 1, 0, 1], shape: [4])
        try make("anchors.hls", ["id": ids, "z.0": latents])
        try make("anonymous.hls", ["z.0": latents, "z.1": latents])
        try make("labels.hls", ["id": ids, "y": labels])
        try make("unlabelled.hls", ["id": ids, "e.0": HandMade.floats([4, 3])])
        try make("flat.hls", ["id": ids, "z.0": HandMade.floats([4, 120])])
        try make("wide.hls", ["id": ids, "z.0": HandMade.floats([4, 6, 21])])
        try make("short.hls", ["id": ids, "z.0": HandMade.floats([4, 2, 20])])
        try HandMade.stream(
            to: space.file("pictureless.hls"), generator: nil, data: ["kind": "imagefolder"], ["id": ids, "y": labels])

        try space.fail(65, "hl-delta anchors.hls", saying: "z.1")
        try space.fail(65, "hl-delta --view 2 anonymous.hls", saying: "z.2")
        try space.fail(65, "hl-perturb anonymous.hls", saying: "id")
        try space.fail(65, "hl-perturb labels.hls", saying: "z.0")
        try space.fail(65, "hl-perturb flat.hls", saying: "z.0")
        try space.fail(65, "hl-encode --untrained --width 4 --side 32 labels.hls", saying: "z.0")
        try space.fail(65, "hl-train --width 4 --batch 2 -n 2 anonymous.hls", saying: "id")
        try space.fail(65, "hl-train --width 4 --batch 2 -n 2 labels.hls", saying: "z.0")
        try space.fail(65, "hl-probe --train unlabelled.hls --test unlabelled.hls", saying: "y (labels)")
        try space.fail(65, "hl-probe --train labels.hls --test labels.hls", saying: "e.0")
        try space.fail(65, "hl-view labels.hls")
        try space.fail(65, "hl-encode --untrained --width 4 --side 32 pictureless.hls", saying: "x.0")
        for name in ["wide.hls", "short.hls"] {
            try space.fail(65, "hl-perturb \(name)", saying: "where the header says 6 of 20")
            try space.fail(78, "hl-encode --untrained --width 4 --side 32 \(name)")
            try space.fail(78, "hl-train --width 4 --batch 2 -n 2 \(name)")
            try space.fail(78, "hl-view \(name)")
        }
        #expect(!space.exists("encoder.safetensors"))
    }

    /// The others are snapshot cases; here, what comes out is no stream.
    @Test func streamsThatDoNotMatch() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 4 > shapes.hls; hl-sample -n 4 --size 32 > small.hls")
        let outcome = try space.fail(78, "cat shapes.hls small.hls | hl-perturb")
        #expect(!StreamContent.isWhole(outcome.output))
        try HandMade.stream(to: space.file("wide.hls"), ["id": HandMade.ids(4), "z.0": HandMade.floats([4, 6, 21])])
        try space.fail(78, "hl-sample --generator shapes --from wide.hls")
    }

    @Test func walkers() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 4 > a.hls")
        try HandMade.walker(to: space.file("right.safetensors"), dimension: 100, chunks: "1-5")
        try HandMade.walker(to: space.file("narrow.safetensors"), dimension: 90)
        try HandMade.walker(to: space.file("strange.safetensors"), dimension: 100, chunks: "1-9")
        try space.succeed("hl-perturb --walker right.safetensors a.hls > /dev/null")
        try space.fail(78, "hl-perturb --walker narrow.safetensors a.hls")
        try space.fail(78, "hl-perturb --walker right.safetensors --chunks 1-3 a.hls")
        try space.fail(64, "hl-perturb --walker strange.safetensors a.hls")
        try space.fail(64, "hl-perturb --walker right.safetensors --std 2 a.hls")
    }

    /// A file of one kind where another is asked for.
    @Test func weights() throws {
        let space = try Workspace()
        try HandMade.walker(to: space.file("walker.safetensors"), dimension: 100)
        try space.succeed("hl-sample -n 4 --size 32 > a.hls")
        try space.fail(78, "hl-encode --encoder walker.safetensors a.hls")
        try space.succeed("hl-train -q --width 4 --backend plain --batch 2 -n 2 a.hls -o encoder.safetensors")
        try space.fail(78, "hl-perturb --walker encoder.safetensors a.hls")
    }

    /// What decides nothing is not passed over in silence.
    @Test func optionsOfOtherMethods() throws {
        let space = try Workspace()
        for (method, option, owners) in [
            ("simclr", "--queue 100", "moco"), ("simsiam", "--temperature 0.1", "simclr, stablerep and moco"),
            ("moco", "--head-norm", "simclr and stablerep"), ("byol", "--no-head-norm", "simclr and stablerep"),
            ("simclr", "--positives 4", "stablerep and lejepa"), ("stablerep", "--lambda 0.1", "lejepa"),
            ("supervised", "--target-momentum 0.9", "byol and moco"), ("simclr", "--classes 10", "supervised"),
        ] {
            let name = option.prefix { $0 != " " }.replacing("--no-", with: "--")
            try space.fail(
                64, "hl-train --method \(method) \(option) none.hls",
                saying: "\(name) is for \(owners), and the method is \(method): leave it out")
        }
        try space.fail(64, "hl-train --queue 100 none.hls", saying: "the method is simclr")
        try space.fail(64, "hl-train --method moco --queue 1 none.hls", saying: "--queue 1 is out of range")
        try space.fail(64, "hl-train --method moco --queue 63 none.hls", saying: "does not hold one batch of 64")
        try space.fail(64, "hl-train --temperature nan none.hls", saying: "--temperature")
        try space.fail(64, "hl-train --method vicreg none.hls", saying: "simsiam")
        try space.fail(66, "hl-train --method moco --queue 64 none.hls")
        // What they take, --help says.
        let help = try space.succeed("hl-train --help").text
        for name in ["simsiam", "simclr", "stablerep", "byol", "moco", "lejepa", "supervised"] {
            #expect(help.contains("\(name): "))
        }
    }

    /// A full disk is an error of every writer.
    @Test(.enabled(if: access("/dev/full", W_OK) == 0, "needs /dev/full"))
    func fullDevice() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 40 --size 32 | hl-perturb > p.hls
            hl-encode --untrained --width 4 --side 32 --backend plain p.hls > train.hls
            hl-sample -n 20 --size 32 --seed 1 | hl-encode --untrained --width 4 --side 32 --backend plain > test.hls
            """)
        for command in [
            "hl-sample -n 4", "hl-sample", "hl-sample -n 0", "hl-perturb --sweep <(hl-sample -n 4)",
            "hl-encode --untrained --width 4 --side 32 --backend plain p.hls", "hl-view p.hls", "hl-view --info p.hls",
            "hl-delta p.hls", "hl-delta --json p.hls", "hl-probe --train train.hls --test test.hls --epochs 1",
            "hl-sample --help", "hl-view --version",
        ] {
            try space.fail(74, "\(command) > /dev/full")
        }
        for command in [
            "hl-sample -n 4", "hl-perturb <(hl-sample -n 4)", "hl-view p.hls",
            "hl-encode --untrained --width 4 --side 32 --backend plain p.hls",
            "hl-train -q --width 4 --backend plain --batch 4 -n 4 p.hls",
        ] {
            try space.fail(74, "\(command) -o /dev/full")
        }
        try space.fail(73, "hl-sample -n 4 -o no-such-folder/a.hls")
        try space.fail(73, "hl-sample -n 4 -o .")
    }

    /// Binary is neither written to a terminal nor awaited from one.
    @Test func terminals() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 4 --size 32 > a.hls")
        let pseudoterminal = try #require(Terminal())
        let terminal = pseudoterminal.path
        defer { withExtendedLifetime(pseudoterminal) {} }
        for command in [
            "hl-sample -n 4", "hl-perturb a.hls", "TERM=dumb hl-view a.hls",
            "hl-encode --untrained --width 4 --side 32 a.hls",
        ] {
            try space.fail(64, "\(command) > \(terminal)", saying: "stdout is a terminal")
        }
        for command in ["hl-perturb", "hl-delta", "hl-view --info", "hl-train --width 4"] {
            try space.fail(64, "\(command) < \(terminal) > out")
        }
        try space.succeed("hl-view --info a.hls > \(terminal)")
    }
}
