import HLFormats
import HLTensor
import TestSupport
import Testing

/// Streams that the processes of a launcher write without a word to each other.
extension RanksTests {
    private static let rank = "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}"

    private func encoder(in space: Workspace) throws {
        try space.succeed(
            "hl-sample --size 32 -n 8 | hl-perturb | hl-train -q --width 4 --batch 4 -n 8 -o e.safetensors")
    }

    /// Embeddings of the shards, joined by cat, are those of one process, and classifiers find the same.
    @Test(.enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: installed)
    func embeddingsAreThoseOfOneProcess(_ launcher: Launcher) throws {
        let space = try Workspace(), encode = "hl-encode -q --threads 1 --encoder e.safetensors --drop-images"
        try encoder(in: space)
        for (name, seed) in [("train", 3), ("test", 4)] {
            let sample = "hl-sample --size 32 --seed \(seed) -n 97"
            try space.succeed(
                launcher.start(3, "\(sample) --shard mpi | \(encode) -o \(name).\(Self.rank).hls"))
            try space.succeed("cat \(name).[0-2].hls > \(name).hls; \(sample) | \(encode) -o whole-\(name).hls")
            let joined = try StreamContent(path: space.file("\(name).hls"))
            let whole = try StreamContent(path: space.file("whole-\(name).hls"))
            #expect(joined.ids != whole.ids && joined.sorted == whole)
        }
        func scores(_ train: String, _ test: String, _ recipe: String) throws -> [Double] {
            let report = try JSONValue(
                parsing: space.succeed(
                    "hl-probe -q --backend plain --recipe \(recipe) --train \(train).hls --test \(test).hls --json"
                ).text, name: "report")
            return [
                try #require(report["linear"]?["top1"]?["mean"]?.number), try #require(report["knn"]?["top1"]?.number),
            ]
        }
        for recipe in ["ridge", "lbfgs --penalty 1"] {
            let (found, expected) = (
                try scores("train", "test", recipe), try scores("whole-train", "whole-test", recipe)
            )
            // One image of 97 may lie on a border.
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1.1, "\(recipe): \(a), \(b)") }
        }
    }

    /// Whether they write at the same time or one after the other.
    @Test(
        .enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: installed,
        [0, 2])
    func oneFileForAllIsRefused(_ launcher: Launcher, delay: Int) throws {
        let space = try Workspace()
        let script = "[ \(Self.rank) = 0 ] || sleep \(delay); hl-sample --shard mpi -n 20000 -o all.hls"
        let outcome = try space.run(launcher.start(2, script))
        #expect(outcome.status == 73, "\(outcome.errors)")
        let isRefused = ["another process of this launcher writes all.hls", "all.hls is there already"].contains {
            outcome.errors.contains($0)
        }
        #expect(isRefused, "\(outcome.errors)")
        // What one of them has written is whole, or there is nothing.
        if space.exists("all.hls") { #expect(try StreamContent(path: space.file("all.hls")).ids.count == 10_000) }
        #expect(try space.names().filter { $0 != "all.hls" }.isEmpty)
    }

    @Test(.enabled(if: !installed.isEmpty, "there is no mpirun.openmpi and no mpirun.mpich"), arguments: first)
    func whoeverWorksAloneMayReplace(_ launcher: Launcher) throws {
        let space = try Workspace()
        try space.succeed(
            launcher.start(2, "export HL_MPI_LIBRARY=none; hl-sample -n 10 -o all.hls; hl-sample -n 10 -o all.hls"))
        #expect(try StreamContent(path: space.file("all.hls")).ids.count == 10)
    }
}
