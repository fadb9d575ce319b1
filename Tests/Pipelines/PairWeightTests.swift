import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Weights of pairs, from hl-filter --quality to the loss of hl-train.
struct PairWeightTests {
    private static let pairs = "hl-sample --size 64 -n 96 | hl-perturb --chunks 1-5"
    private static let untrained =
        "hl-sample -n 16 | hl-perturb | hl-train -q --width 4 --batch 16 -n 16 -o e.safetensors"
    private static let weigh = "hl-filter -q --quality e.safetensors --layer layer2"
    private static let train = "hl-train -q --width 4 --batch 16 -n 96 --method simsiam"

    /// A pair of the same image is worth 1, whatever the encoder; and where all pairs are worth the same no bit of the
    /// training changes.
    @Test func equalPairsCountAlike() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.untrained)
            hl-sample -n 96 | hl-perturb --std 0 | \(Self.weigh) -o same.hls
            \(Self.train) --augment no-color --pair-weights -o weighted.safetensors same.hls
            \(Self.train) --augment no-color -o plain.safetensors same.hls
            """)
        let weights = try StreamContent(path: space.file("same.hls")).floats("q.1")
        #expect(weights.count == 96 && weights.values.allSatisfy { $0 == [1] })
        let states = try ["weighted", "plain"].map { try Safetensors.read(path: space.file("\($0).safetensors")) }
        for (name, tensor) in states[0].tensors {
            #expect(tensor.withUnsafeBytes { Array($0) } == states[1].tensors[name]?.withUnsafeBytes { Array($0) })
        }
    }

    /// Weights stay with their samples through whatever sorts and drops, differ from pair to pair, and change the training;
    /// a training that was stopped goes on with them.
    @Test func weightsTravelToTheLoss() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.untrained)
            \(Self.pairs) | \(Self.weigh) -o w.hls
            \(Self.pairs) | \(Self.weigh) --batch 7 --threads 1 | hl-select --drop 'x.*' -o thin.hls
            hl-select --sort thin.hls -o sorted.hls
            \(Self.train) --pair-weights -o a.safetensors w.hls
            \(Self.train) --pair-weights -o b.safetensors sorted.hls
            \(Self.train) -o c.safetensors w.hls
            """)
        let whole = try StreamContent(path: space.file("w.hls")), thin = try StreamContent(path: space.file("thin.hls"))
        #expect(whole.names.contains("q.1") && thin.names == ["id", "q.1", "y", "z.0", "z.1"])
        let weights = whole.floats("q.1").mapValues { $0[0] }
        #expect(thin.floats("q.1").mapValues { $0[0] } == weights && Set(weights.values).count > 90)
        #expect(weights.values.allSatisfy { $0 > 0 && $0.isFinite })
        func weight(_ name: String) throws -> [Float] {
            try Safetensors.read(path: space.file("\(name).safetensors")).tensor("backbone.conv1.weight").floats
        }
        #expect(try weight("a") == weight("b") && weight("a") != weight("c"))
        let header = try StreamReader(path: space.file("w.hls")).header
        let note = try JSONValue(parsing: header.metadata["hl.weights"] ?? "", name: "hl.weights")
        #expect(note["layer"] == "layer2" && note["sensitivity"]?.number == 2)
    }

    /// Every view has a weight of its own, and a discriminator's choice comes first.
    @Test func weighsAllViews() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.untrained)
            hl-sample -n 32 | hl-perturb --views 3 | \(Self.weigh) -o views.hls
            hl-select --keep 'z.0,z.2' --rename z.2=z.1 views.hls | \(Self.weigh) -o second.hls
            """)
        let views = try StreamContent(path: space.file("views.hls"))
        #expect(views.names.filter { $0.hasPrefix("q.") } == ["q.1", "q.2", "q.3"])
        let second = try StreamContent(path: space.file("second.hls"))
        #expect(second.floats("q.1") == views.floats("q.2"))
    }

    /// A training that was stopped goes on with weights, or without, as it began.
    @Test func stoppedTrainingsGoOnAlike() throws {
        let space = try Workspace()
        let pairs = Self.pairs.replacing("-n 96", with: "-n 96 --batch 8")
        try space.succeed("\(Self.untrained); \(pairs) | \(Self.weigh) --batch 8 -o w.hls")
        let half = "<(head -c $(( $(stat -c %s w.hls) / 2 )) w.hls)"
        for (given, other, part) in [
            ("--pair-weights", "", "--pair-weights there, no --pair-weights here"),
            ("", "--pair-weights", "no --pair-weights there, --pair-weights here"),
        ] {
            try space.fail(65, "\(Self.train) \(given) -o s.safetensors \(half)")
            try space.fail(78, "\(Self.train) --resume \(other) -o s.safetensors w.hls", saying: part)
            try space.succeed("\(Self.train) --resume \(given) -o s.safetensors w.hls; rm s.safetensors*")
        }
    }

    /// What a discriminator lets through has the scores and the weights that it has by itself, and both are told of.
    @Test func choosesAndWeighs() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.untrained)
            hl-sample --size 64 --seed 2 | hl-train discriminator -q --width 4 --batch 8 --held-out 8 -n 16 \
                --real <(hl-sample -q --clean --size 64 --seed 1) -o d.safetensors
            \(Self.pairs) -o pairs.hls
            hl-filter -q --discriminator d.safetensors --keep 0.25 --batch 8 -o best.hls pairs.hls
            \(Self.weigh) -o all.hls pairs.hls
            \(Self.weigh) --discriminator d.safetensors --keep 0.25 --batch 8 --report r.json -o both.hls pairs.hls
            """)
        let best = try StreamContent(path: space.file("best.hls")), all = try StreamContent(path: space.file("all.hls"))
        let both = try StreamContent(path: space.file("both.hls"))
        #expect(both.ids == best.ids && both.ids.count == 24)
        #expect(both.names == ["id", "q.1", "s.0", "s.1", "x.0", "x.1", "y", "z.0", "z.1"])
        let weights = all.floats("q.1"), scores = best.floats("s.0")
        #expect(both.floats("q.1").allSatisfy { $0.value == weights[$0.key] } && both.floats("s.0") == scores)
        let report = try JSONValue(parsing: try space.text("r.json"), name: "r.json")
        #expect(report["samples"] == ["seen": 96, "kept": 24] && report["weights"]?["pairs"] == 24)
        let header = try StreamReader(path: space.file("both.hls")).header
        #expect(header.metadata["hl.filter"] != nil && header.metadata["hl.weights"] != nil)
    }
}
