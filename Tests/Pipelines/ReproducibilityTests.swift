import HLFormats
import TestSupport
import Testing

/// The same command gives the same bytes, and a sample is the same however it was made.
struct ReproducibilityTests {
    private func content(_ space: Workspace, _ name: String) throws -> StreamContent {
        try StreamContent(path: space.file(name))
    }

    @Test(arguments: [
        "hl-sample -n 300 --seed 5", "hl-sample -n 20 --size 32 --render --seed 5",
        "hl-sample -n 300 | hl-perturb --views 3 --seed 2", "hl-sample -n 300 | hl-perturb | hl-delta --json",
        "hl-sample -n 30 --size 32 | hl-perturb --sweep | hl-view",
        "hl-sample -n 50 --size 32 | hl-encode --untrained --width 16 --side 32",
    ])
    func sameBytes(pipe: String) throws {
        let space = try Workspace()
        let first = try space.succeed(pipe).output
        #expect(!first.isEmpty)
        #expect(try space.succeed(pipe).output == first)
    }

    /// Batch sizes and threads change the records and nothing in them.
    @Test(arguments: [
        "--batch 1 --threads 1", "--batch 7 --threads 2", "--batch 64 --threads 1", "--batch 1000 --threads 3",
    ])
    func sameSamples(settings: String) throws {
        let space = try Workspace()
        let perturb = "hl-perturb --group 1-2:std=0.5 --group 4:std=2,trunc=1 --views 2 --seed 11"
        try space.succeed(
            """
            hl-sample -n 3000 --seed 7 | \(perturb) > plain.hls
            hl-sample -n 3000 --seed 7 \(settings) | \(perturb) \(settings.split(separator: " ").suffix(2)
                .joined(separator: " ")) > other.hls
            """)
        let plain = try content(space, "plain.hls")
        #expect(plain.names == ["id", "y", "z.0", "z.1", "z.2"])
        #expect(plain.ids == Array(0..<3000))
        #expect(try content(space, "other.hls") == plain)
    }

    @Test func shardsAndPieces() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 500 --seed 3 | hl-perturb > whole.hls
            for k in 0 1 2; do hl-sample -n 500 --seed 3 --shard $k/3 | hl-perturb; done > shards.hls
            for s in 0 150 151; do hl-sample --start $s -n $(( s == 150 ? 1 : s == 0 ? 150 : 349 )) --seed 3; done \
              | hl-perturb > pieces.hls
            """)
        let whole = try content(space, "whole.hls")
        #expect(whole.ids.count == 500)
        #expect(try content(space, "pieces.hls") == whole)
        let shards = try content(space, "shards.hls")
        #expect(shards.ids.prefix(3) == [0, 3, 6])
        #expect(shards.sorted == whole)
    }

    @Test func seedsAndPurposesDiffer() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 200 --seed 1 | hl-perturb --chunks 0-5 --seed 1 > a.hls
            hl-sample -n 200 --seed 2 | hl-perturb --chunks 0-5 --seed 1 > b.hls
            """)
        let (a, b) = (try content(space, "a.hls"), try content(space, "b.hls"))
        let (anchors, positives, others) = (a.floats("z.0"), a.floats("z.1"), b.floats("z.0"))
        var product = 0.0, square = 0.0
        for id in a.ids {
            #expect(anchors[id] != others[id])
            for (z, moved) in zip(anchors[id] ?? [], positives[id] ?? []) {
                product += Double(z * (moved - z))
                square += Double(z * z)
            }
        }
        // 24,000 pairs: the standard error of the correlation is 0.0065.
        #expect(abs(product / square) < 0.035)
    }

    @Test func walkerAtAnyBatchSize() throws {
        let space = try Workspace()
        try HandMade.walker(to: space.file("walker.safetensors"), dimension: 100, chunks: "1-5")
        try space.succeed(
            """
            hl-sample -n 1500 | hl-perturb --walker walker.safetensors > plain.hls
            hl-sample -n 1500 --batch 7 | hl-perturb --walker walker.safetensors --threads 1 > small.hls
            """)
        let (plain, small) = (
            try content(space, "plain.hls").floats("z.1"), try content(space, "small.hls").floats("z.1")
        )
        #expect(plain.count == 1500)
        for (id, row) in plain {
            let other = try #require(small[id])
            #expect(zip(row, other).allSatisfy { abs($0 - $1) <= 1e-6 }, "sample \(id)")
        }
    }

    /// It does not matter which stage renders, nor in which records the samples come.
    @Test func embeddingsOfAnyOrigin() throws {
        let space = try Workspace()
        let encode = "hl-encode --untrained --width 16 --side 32"
        try space.succeed(
            """
            hl-sample -n 70 --size 32 | \(encode) > here.hls
            hl-sample -n 70 --size 32 --render | \(encode) > sample.hls
            hl-sample -n 70 --size 32 | hl-perturb --render | \(encode) > perturb.hls
            hl-sample -n 70 --size 32 --batch 1 | \(encode) --batch 1 > one.hls
            hl-sample -n 70 --size 32 --batch 9 --render | \(encode) --batch 50 > fifty.hls
            """)
        let here = try content(space, "here.hls")
        #expect(here.names == ["e.0", "id", "y", "z.0"])
        #expect(here.ids.count == 70)
        for name in ["sample", "perturb", "one", "fifty"] {
            #expect(try content(space, "\(name).hls").rows["e.0"] == here.rows["e.0"], "\(name)")
        }
        #expect(try content(space, "sample.hls").names == ["e.0", "id", "x.0", "y", "z.0"])
        #expect(try content(space, "one.hls") == here)
    }

    /// The header carries the arguments, so the output has one name and two places.
    @Test func trainingTwice() throws {
        let space = try Workspace()
        try space.succeed(
            """
            for run in a b; do
              mkdir $run
              (cd $run && hl-sample --size 32 | hl-perturb | hl-train -q --width 16 --batch 16 -n 160 -o e.safetensors)
            done
            """)
        #expect(try space.bytes("a/e.safetensors") == space.bytes("b/e.safetensors"))
    }

    @Test func epochsOverAFileTwice() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 50 | hl-perturb -o pairs.hls
            for run in a b; do
              mkdir $run
              (cd $run && hl-train ../pairs.hls -q --epochs 3 --width 16 --batch 16 -o e.safetensors)
            done
            """)
        #expect(try space.bytes("a/e.safetensors") == space.bytes("b/e.safetensors"))
    }

    @Test func probingTwice() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 60 --size 32 --seed 1 > train.hls; hl-sample -n 30 --size 32 --seed 2 > test.hls
            """)
        let probe = """
            hl-probe --untrained --width 4 --side 32 --backend plain --train train.hls --test test.hls --epochs 3 \
              --passes 2 --seeds 2 -k 5 --json
            """
        #expect(try space.succeed(probe).output == space.succeed(probe).output)
    }
}
