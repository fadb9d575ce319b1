import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// hl-train discriminator and hl-filter, from samples to a thinner stream.
struct FilterTests {
    private static let sample = "hl-sample --size 32"
    private static let train = "hl-train discriminator -q --width 8 --batch 32 --held-out 64 -n 512"
    /// Samples with defects against samples without.
    private static let make =
        "\(sample) --clean --seed 1 -n 600 > real.hls; \(sample) --seed 2 | \(train) --real real.hls -o d.safetensors"

    private func scores(_ space: Workspace, _ name: String, view: Int = 0) throws -> [Int64: Float] {
        try StreamContent(path: space.file(name)).floats("s.\(view)").mapValues { $0[0] }
    }

    private func json(_ space: Workspace, _ name: String) throws -> JSONValue {
        try JSONValue(parsing: String(decoding: space.bytes(name), as: UTF8.self), name: name)
    }

    /// The best of every group in their order, each once, with everything that they had; of a short group its share.
    @Test func keepsTheBestOfEveryGroup() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.make); \(Self.sample) --seed 3 -n 203 > all.hls
            hl-filter -q --discriminator d.safetensors --score all.hls > scored.hls
            hl-filter -q --discriminator d.safetensors --keep 0.4 --batch 20 --report report.json all.hls > kept.hls
            """)
        let all = try StreamContent(path: space.file("all.hls")), kept = try StreamContent(path: space.file("kept.hls"))
        let scores = try scores(space, "scored.hls")
        #expect(
            scores.count == 203 && Set(scores.values).count > 150 && scores.values.allSatisfy { (0...1).contains($0) })
        #expect(try self.scores(space, "kept.hls").allSatisfy { scores[$0.key] == $0.value })
        var expected: [Int64] = []
        for start in stride(from: 0, to: 203, by: 50) {
            let group = all.ids[start..<min(start + 50, 203)]
            let count = group.count == 50 ? 20 : 1  // 0.4 · 3, rounded
            expected += group.sorted { (scores[$0] ?? 0, $1) > (scores[$1] ?? 0, $0) }.prefix(count).sorted()
        }
        #expect(kept.ids == expected && kept.ids.count == 81)
        #expect(kept.names == ["id", "s.0", "x.0", "y", "z.0"])
        for id in kept.ids { for name in ["y", "z.0"] { #expect(kept.rows[name]?[id] == all.rows[name]?[id]) } }

        let report = try json(space, "report.json")
        #expect(report["samples"] == ["seen": 203, "kept": 81])
        #expect(abs((report["acceptance"]?.number ?? 0) - 81.0 / 203) < 1e-12)
        for (key, total) in [("seen", 203), ("kept", 81)] {
            let counts = report["histogram"]?[key]?.array?.compactMap { $0.number } ?? []
            #expect(counts.count == 10 && counts.reduce(0, +) == Double(total))
        }
        let header = try StreamReader(path: space.file("kept.hls")).header
        let note = try JSONValue(parsing: header.metadata["hl.filter"] ?? "", name: "hl.filter")
        #expect(note["keep"] == 0.4 && note["by"] == "anchor")
    }

    /// Defects, which only the generated images have, go first.
    @Test func keepsFewerDefects() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.sample) --seed 2 | hl-train discriminator -q --width 16 -n 8192 --held-out 512 \
                --real <(\(Self.sample) --clean --seed 1) -o d.safetensors
            \(Self.sample) --seed 3 -n 2048 |
                hl-filter -q --discriminator d.safetensors --report report.json > /dev/null
            """)
        let file = try Safetensors.read(path: space.file("d.safetensors"))
        let measured = try JSONValue(parsing: file.metadata["hl.discriminator"] ?? "", name: "hl.discriminator")
        #expect(measured["held_out"] == 512 && (measured["defect_auc"]?.number ?? 0) > 0.65)
        let defective = try #require(try json(space, "report.json")["defective"])
        let (seen, kept) = (defective["seen"]?.number ?? 0, defective["kept"]?.number ?? .infinity)
        // As in the oracle's own words: about a fifth. Half of the samples are kept, so at random half of these.
        #expect((300...520).contains(seen) && kept < 0.35 * seen)
    }

    @Test func scoresDoNotDependOnBatches() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.make); \(Self.sample) --seed 3 -n 70 | hl-perturb > pairs.hls
            hl-filter -q --discriminator d.safetensors --score --batch 7 pairs.hls > a.hls
            hl-filter -q --discriminator d.safetensors --score --threads 1 pairs.hls > b.hls
            hl-filter -q --discriminator d.safetensors --keep 1 --by worse pairs.hls > c.hls
            """)
        for view in 0...1 {
            let scores = try scores(space, "a.hls", view: view)
            #expect(scores.count == 70)
            #expect(try self.scores(space, "b.hls", view: view) == scores)
            #expect(try self.scores(space, "c.hls", view: view) == scores)
        }
        try space.succeed("hl-filter -q --discriminator d.safetensors --batch 7 --by worse pairs.hls > worse.hls")
        let (first, second) = (try scores(space, "a.hls"), try scores(space, "a.hls", view: 1))
        let worse = first.merging(second, uniquingKeysWith: min)
        var expected: [Int64] = []
        for start in stride(from: Int64(0), to: 70, by: 14) {
            expected += (start..<start + 14).sorted { (worse[$0] ?? 0, $1) > (worse[$1] ?? 0, $0) }.prefix(7).sorted()
        }
        #expect(try StreamContent(path: space.file("worse.hls")).ids == expected)
    }

    /// Two streams of one kind: there is nothing to learn, and both programs say so.
    @Test func warnsOfADiscriminatorThatLearntNothing() throws {
        let space = try Workspace()
        let trained = try space.run(
            """
            \(Self.sample) --clean --seed 2 | hl-train discriminator --width 4 --batch 32 -n 64 --held-out 1024 \
                --real <(\(Self.sample) --clean --seed 1) -o d.safetensors
            """)
        #expect(trained.status == 0 && trained.errors.contains("warning: the discriminator has learnt next to nothing"))
        let filtered = try space.run("\(Self.sample) -n 8 | hl-filter --discriminator d.safetensors > kept.hls")
        #expect(
            filtered.status == 0 && filtered.errors.contains("warning: d.safetensors tells real from generated hardly"))
        #expect(try StreamContent(path: space.file("kept.hls")).ids.count == 4)
    }

    @Test func refusals() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.make); \(Self.sample) -n 8 > some.hls; \(Self.sample) -n 0 > none.hls 2>/dev/null
            \(Self.sample) -n 64 | hl-train -q --width 4 --batch 8 -n 8 -o encoder.safetensors
            head -c 5000 d.safetensors > cut.safetensors; head -c 3000 some.hls > cut.hls
            """)
        let filter = "hl-filter --discriminator"
        try space.fail(66, "\(filter) nothing.safetensors some.hls")
        try space.fail(78, "\(filter) encoder.safetensors some.hls", saying: "encoder")
        try space.fail(65, "\(filter) cut.safetensors some.hls")
        try space.fail(64, "\(filter) d.safetensors --keep 0.5 --score some.hls")
        for keep in ["0", "-1", "1.5", "nan"] { try space.fail(64, "\(filter) d.safetensors --keep=\(keep) some.hls") }
        for by in ["positive", "worse"] {
            try space.fail(65, "\(filter) d.safetensors --by \(by) some.hls > out.hls", saying: "no positive")
        }
        let cut = try space.fail(65, "\(filter) d.safetensors -q cut.hls")
        #expect(!StreamContent.isWhole(cut.output))
        try space.fail(64, "\(filter) d.safetensors --report - some.hls", saying: "--report")
        var diverged = try Safetensors.read(path: space.file("d.safetensors"))
        diverged.tensors["fc.bias"] = HostTensor([Float.nan, 0], shape: [2])
        try Safetensors.write(diverged, to: space.file("nan.safetensors"))
        try space.fail(65, "\(filter) nan.safetensors -q some.hls", saying: "diverged")
        try space.fail(73, "\(filter) d.safetensors -q --report nowhere/r.json some.hls > out.hls")

        let train = "hl-train discriminator -q --batch 8 --held-out 8 --width 4 -o new.safetensors"
        try space.fail(64, "\(train) --real - -n 8 < some.hls", saying: "both")
        try space.fail(66, "\(train) --real nothing.hls -n 8 some.hls")
        try space.fail(65, "\(train) --real real.hls -n 8 some.hls", saying: "fewer samples")
        try space.fail(65, "\(train) --real none.hls -n 8 real.hls")
        try space.fail(64, "\(train) --real real.hls -n 4 some.hls")
        #expect(!space.exists("new.safetensors"))
    }
}
