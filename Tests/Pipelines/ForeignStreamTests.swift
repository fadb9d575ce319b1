import HLFormats
import TestSupport
import Testing

/// Streams that went through other compressors: the right ones are read, and of the others is said what to do.
struct ForeignStreamTests {
    private static let hasZstd = Programs.isInstalled("zstd")

    @Test(.enabled(if: hasZstd, "zstd is not installed")) func compressedAgain() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 4 --batch 2 > a.hls
            zstd -dc a.hls | zstd -q > one.hls
            zstd -dc a.hls | zstd -q --no-check > plain.hls
            """)
        for reader in ["hl-view --info", "hl-perturb", "hl-delta", "hl-train --width 4 --batch 2 --epochs 2"] {
            for message in [
                "one.hls has several records in one zstd frame: compress each record as a frame of its own",
                "plain.hls has a record without a checksum: switch checksums on where it is written",
            ] { try space.fail(65, "\(reader) \(message.prefix { $0 != " " }) > out", saying: message) }
        }
    }

    /// A record in a frame with a window of 2^31 bytes, which zstd makes where it does not know how much will come.
    @Test(.enabled(if: hasZstd, "zstd is not installed")) func longWindows() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 5 --batch 2 > a.hls")
        let reader = try ZstdFrameReader(source: MemorySource(space.bytes("a.hls")))
        var count = 0
        while let record = try reader.next() {
            try space.write(record.withBytes(Array.init), to: "\(count).record")
            count += 1
        }
        #expect(count == 5)
        try space.succeed("for i in {0..4}; do zstd -qc -1 --long=31 < $i.record; done > long.hls")
        try space.succeed("hl-perturb --threads 1 < a.hls > 1.hls; hl-perturb --threads 1 < long.hls > 2.hls")
        try space.succeed("cmp 1.hls 2.hls")
        try space.fail(
            71, "ulimit -c 0; ulimit -v 1500000; hl-view --info long.hls",
            saying: "long.hls has a record with a window of 2147483648 bytes")
    }
}
