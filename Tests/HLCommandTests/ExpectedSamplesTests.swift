import HLCommand
import HLFormats
import Testing

/// How many samples there will be, as far as the history of a stream says so.
struct ExpectedSamplesTests {
    private func announced(_ programs: (tool: String, arguments: String)...) throws -> Int? {
        let history = programs.map {
            HistoryEntry(tool: $0.tool, version: "0.1", arguments: $0.arguments.split(separator: " ").map(String.init))
        }
        let sink = MemorySink()
        let writer = try StreamWriter(sink, level: 1, seekable: false)
        try writer.writeHeader(StreamHeader(generator: ["name": "shapes"], history: history))
        try writer.finish()
        return try StreamReader(MemorySource(sink.bytes), name: "stdin").expectedSamples
    }

    @Test(
        arguments: [
            ("-n 12", 12), ("--seed 4 --count 12 --render", 12), ("-n=12", 12), ("--count=12", 12), ("-n12", 12),
            ("-n 2k", 2000), ("--count=1e3", 1000),
            ("--size 32", nil), ("-n x", nil), ("-n", nil), ("", nil), ("-n 12 --from a.hls", nil),
            ("--data imagefolder:d -n 12", nil), ("--from=- -n 12", nil),
            // Ids 3, 6, 9 and 12 of 1 to 12; 1, 4, 7 and 10; 2, 5, 8 and 11.
            ("-n 12 --start 1 --shard 0/3", 4), ("-n 12 --start 1 --shard=1/3", 4), ("-n 1 --shard 2/3", 0),
            ("-n 12 --shard 3/3", nil), ("-n 7 --shard 0/5", 2), ("-n 7 --shard 4/5", 1),
        ] as [(String, Int?)])
    func byArguments(arguments: String, samples: Int?) throws {
        #expect(try announced(("hl-sample", arguments)) == samples)
        #expect(try announced(("hl-sample", arguments), ("hl-perturb", "--chunks 1-5 -n 3")) == samples)
        let filter = "--discriminator d.safetensors"
        #expect(
            try announced(("hl-sample", arguments), ("hl-filter", filter + " --keep 0.5"), ("hl-perturb", "")) == nil)
        #expect(try announced(("hl-sample", arguments), ("hl-filter", filter + " --score")) == samples)
        #expect(try announced(("hl-sample", arguments), ("hl-filter", "--quality e.safetensors")) == samples)
    }

    @Test func byOtherPrograms() throws {
        #expect(try announced() == nil)
        for (arguments, samples) in [
            ("--drop x.*", 12), ("-n 5", 5), ("-n 50", 12), ("--samples=3 --skip 10", 2), ("--skip 20", 0),
            ("--ids 1-3", nil), ("--part 1/2", nil), ("--skip x", nil),
            // Of several streams the header tells the first one's samples alone.
            ("a.hls b.hls", nil), ("a.hls --skip 2 -", nil), ("a.hls -n 5 b.hls", 5), ("-n 50 -- a.hls b.hls", 50),
            ("--sort a.hls b.hls", nil), ("a.hls", 12), ("--sort -o b.hls a.hls --skip=2", 10), ("--drop x.* -", 12),
            ("-ob.hls -q a.hls", 12),
        ] as [(String, Int?)] {
            #expect(try announced(("hl-sample", "-n 12"), ("hl-select", arguments)) == samples, "\(arguments)")
        }
        // An endless stream has an end there.
        #expect(try announced(("hl-sample", ""), ("hl-select", "-n 64"), ("hl-perturb", "")) == 64)
        #expect(try announced(("gan.py", "-n 12")) == nil)
        #expect(try announced(("hl-sample", "-n 12"), ("hl-sample", "--from - -n 5")) == nil)
    }
}
