import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// hl-select on streams of the other programs.
struct SelectTests {
    private func batches(_ space: Workspace, _ name: String) throws -> (all: Batch, segments: [StreamSegment]) {
        let reader = try StreamReader(path: space.file(name))
        var parts: [Batch] = []
        while let batch = try reader.next() { parts.append(batch) }
        return (try Batch.concatenate(parts), reader.segments)
    }

    /// Every sample goes on as it was, with the seed and the history of its own stream.
    @Test func joinedStreamsKeepTheirHistories() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -q -n 70 --seed 1 -o a.hls; hl-sample -q -n 40 --seed 2 -o b.hls
            hl-select -q a.hls b.hls -o both.hls
            hl-select -q <(hl-sample -q -n 70 --seed 1) - < b.hls > piped.hls
            cat a.hls b.hls > cat.hls
            """)
        let (both, segments) = try batches(space, "both.hls"), (joined, _) = try batches(space, "cat.hls")
        #expect(segments.count == 2 && segments.map { $0.header.history[0].seed } == [1, 2])
        #expect(segments.allSatisfy { $0.header.history.count == 2 && $0.header.history[1].tool == "hl-select" })
        #expect(both.tensors["z.0"]?.floats == joined.tensors["z.0"]?.floats)
        #expect(both.ids?.integers == Array(Int64(0)..<70) + Array(Int64(0)..<40))
        let (piped, _) = try batches(space, "piped.hls")
        #expect(piped.tensors["z.0"]?.floats == both.tensors["z.0"]?.floats)
    }

    /// Slices count over all streams; what comes behind the last wanted sample is not waited for.
    @Test func slices() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -q -n 70 --seed 1 -o a.hls; hl-sample -q -n 40 --seed 2 -o b.hls")
        let expected = Array(Int64(65)..<70) + Array(Int64(0)..<10)
        try space.succeed("hl-select -q --skip 65 -n 15 a.hls b.hls > s.hls")
        #expect(try batches(space, "s.hls").all.ids?.integers == expected)
        try space.succeed("hl-select -q --ids 60-69,3 --skip 1 -n 11 a.hls b.hls > i.hls")
        #expect(try batches(space, "i.hls").all.ids?.integers == Array(Int64(60)..<70) + [3])
        // Without -n hl-sample draws for ever, and the pipe is a short one: its end is that of hl-select.
        let outcome = try space.run("hl-sample -q --seed 3 | hl-select -q -n 5 | hl-view --info")
        #expect(outcome.status == 0 && outcome.text.contains("samples    5 in"), "\(outcome.text)\(outcome.errors)")
        let none = try space.run("hl-select a.hls -n 0 | hl-view --info")
        #expect(none.status == 0, "\(none.errors)")
    }

    /// Parts have no sample in common and are all of it together, and sorting brings them into the old order.
    @Test func partsAndSorting() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -q -n 100 --seed 1 -o a.hls
            for i in 1 2 3; do hl-select -q --part $i/3 a.hls -o p$i.hls; done
            hl-select -q --part 2-3/3 a.hls -o rest.hls
            hl-select -q p3.hls p1.hls p2.hls -o mixed.hls
            hl-select -q --sort rest.hls -o sorted.hls
            """)
        let ids = try (1...3).map { try batches(space, "p\($0).hls").all.ids?.integers ?? [] }
        #expect(ids[0].allSatisfy { $0 % 3 == 0 } && ids.map(\.count) == [34, 33, 33])
        #expect(ids.flatMap { $0 }.sorted() == Array(Int64(0)..<100))
        #expect(try batches(space, "rest.hls").all.ids?.integers == (Int64(0)..<100).filter { $0 % 3 != 0 })
        // Backwards, with the row that goes with each id.
        let backwards = HostTensor((0..<100).map { Int64(99 - $0) }, shape: [100])
        let latents = HandMade.floats([100, 6, 20])
        try HandMade.stream(to: space.file("backwards.hls"), ["id": backwards, "z.0": latents])
        try space.succeed("hl-select -q --sort backwards.hls -o forwards.hls")
        let forwards = try batches(space, "forwards.hls").all
        #expect(forwards.ids?.integers == Array(Int64(0)..<100))
        #expect(forwards.tensors["z.0"]?.floats == latents.gather(Array((0..<100).reversed())).floats)
        // In records of a moderate size, whatever a sample weighs.
        try space.succeed(
            "hl-sample -q -n 40 --size 128 --render -o images.hls; hl-select -q --sort images.hls -o again.hls")
        let reader = try StreamReader(path: space.file("again.hls"))
        var counts: [Int] = []
        while let batch = try reader.next() { counts.append(batch.count) }
        #expect(counts == [Int](repeating: 2, count: 20))
    }

    /// Training samples that come back through it are still recognised.
    @Test func leaksAreFound() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -q -n 60 --size 32 --clean -o a.hls
            hl-select -q --part 1-4/5 a.hls -o train.hls; hl-select -q --part 5/5 a.hls -o test.hls
            hl-select -q --keep z.0,y --skip 10 a.hls -o leak.hls
            """)
        let probe = "hl-probe -q --untrained --width 4 --side 32 --recipe ridge --train train.hls --test"
        #expect(try space.run("\(probe) test.hls").status == 0)
        let leak = try space.run("\(probe) leak.hls")
        #expect(leak.status != 0 && leak.errors.contains("share 40 samples"), "\(leak.errors)")
    }
}
