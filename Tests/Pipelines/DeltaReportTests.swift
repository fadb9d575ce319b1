import Foundation
import HLFormats
import TestSupport
import Testing

/// What hl-delta prints beside its tables: rows of Table 1, noise for hl-perturb, the figure, the class boundary.
struct DeltaReportTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, name: "json") }

    @Test func tableRows() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 400 > a.hls")
        let rows = try ["--chunks 0-5 --std 0.05", "--chunks 1-5 --std 1"].map {
            try space.succeed("hl-perturb \($0) a.hls | hl-delta --table").text.split(separator: "\n").map(String.init)
        }
        #expect(rows.map(\.count) == [2, 2] && rows[0][0] == rows[1][0])
        // Columns stand below each other: the last number ends where its name does.
        for lines in rows {
            let ends = lines.map { line in
                line.prefix(upTo: line.range(of: "  ", options: .backwards)!.lowerBound).count
            }
            #expect(ends[0] == ends[1])
        }
        #expect(rows[0][0].contains("z^0") && rows[0][0].contains("z^5") && rows[0][1].contains("0.19"))
        #expect(rows[1][1].contains("–") && rows[1][1].contains("3.9") && rows[1][1].contains(" 400 "))
    }

    /// The suggested noise does what the stream's own did.
    @Test func suggestedNoise() throws {
        let space = try Workspace()
        let outcome = try space.run(
            """
            set -eo pipefail; hl-sample -n 4000 > a.hls
            hl-perturb --group 1:std=0.3 --group 3-4:std=0.8 --trunc 2 a.hls > p.hls
            hl-delta --suggest p.hls | tee options; hl-delta --suggest --group 1 --group 3-4 p.hls > groups
            hl-perturb $(cat options) --seed 9 a.hls | hl-delta --json > again.json; hl-delta --json p.hls > first.json
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.wholeMatch(of: /--group 1:\S+ --group 3:\S+ --group 4:\S+\n/) != nil, "\(outcome.text)")
        let groups = String(decoding: try space.bytes("groups"), as: UTF8.self)
        #expect(groups.wholeMatch(of: /--group 1:\S+ --group 3-4:\S+\n/) != nil, "\(groups)")
        let means = try ["first.json", "again.json"].map { name in
            let chunks = try json(String(decoding: space.bytes(name), as: UTF8.self))["chunks"]?.array
            return try #require(chunks).map { try #require($0["mean"]?.number) }
        }
        #expect(means.map(\.count) == [6, 6])
        for (a, b) in zip(means[0], means[1]) { #expect(a == b || abs(a / b - 1) < 0.02) }
        try space.fail(65, "hl-sample -n 9 | hl-perturb --std 0 | hl-delta --suggest", saying: "no chunk moves")
    }

    /// Noise on z that moves layers of w as far, found by trying it on the network.
    @Test func suggestedNoiseOfMappedLatents() throws {
        let space = try Workspace()
        let weights = Programs.tests + "/HLGeneratorsTests/Fixtures/stylegan2_a.pkl"
        try space.succeed(
            """
            cp \(weights) weights; hl-sample --weights weights -n 1000 > a.hls
            hl-perturb --group 0-1:std=0.3 --group 4-7:std=0.8 --trunc 2 a.hls > p.hls
            hl-delta --suggest --group 0-1 --group 4-7 p.hls > options
            """)
        let options = String(decoding: try space.bytes("options"), as: UTF8.self)
        let match = try #require(
            options.wholeMatch(of: /--group 0-1:std=([0-9.]+),trunc=2 --group 4-7:std=([0-9.]+),trunc=2\n/),
            "\(options)")
        for (found, expected) in [(match.1, 0.3), (match.2, 0.8)] {
            #expect(abs((Double(found) ?? 0) / expected - 1) < 0.1, "\(options)")
        }
        // Missing weights are missed before the stream is read to its end.
        try space.fail(66, "rm weights; hl-delta --suggest p.hls", saying: "weights")
    }

    @Test func boundaryOfShapes() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 2000 > a.hls; hl-perturb --chunks 0 --std 0.3 a.hls > p.hls")
        let report = try json(space.succeed("hl-delta --json p.hls").text)
        let boundary = try #require(report["boundary"])
        let chunks = try #require(boundary["chunks"]?.array)
        #expect(chunks.count == 6 && (chunks[0]["mean"]?.number ?? 0) > 0)
        for chunk in chunks.dropFirst() { #expect(chunk["mean"] == .null && chunk["quantiles"]?.array?.first == .null) }
        let (beyond, changed) = (
            try #require(boundary["beyond"]?["count"]?.integer),
            try #require(boundary["label_changed"]?["count"]?.integer)
        )
        #expect(changed > 0 && changed < beyond && beyond < 2000)
        #expect(abs((report["labels_kept"]?.number ?? 0) - (1 - Double(changed) / 2000)) < 1e-12)
        let text = try space.succeed("hl-delta p.hls").text
        #expect(text.contains("nearest class boundary") && text.contains("∞"))
        // Other generators have no oracle.
        let other = "hl-sample --generator bigbigan -n 20 | hl-perturb | hl-delta"
        #expect(try json(space.succeed("\(other) --json").text)["boundary"] == nil)
    }

    @Test func figure() throws {
        let space = try Workspace()
        let pairs = "hl-sample -n 3000 | hl-perturb --group 0:std=0.02 --group 2-4:std=1"
        try space.succeed(
            "\(pairs) > p.hls; hl-delta --figure f.png p.hls > report; hl-delta --figure g.png p.hls > again")
        #expect(try space.bytes("f.png") == space.bytes("g.png") && space.bytes("report") == space.bytes("again"))
        let image = try space.bytes("f.png").withUnsafeBytes { try Image(png: $0, name: "f.png") }
        #expect(image.width > 300 && image.height > 300 && Set(image.pixels.withUnsafeBytes { [UInt8]($0) }).count > 3)
        // A named pipe, whose reader must not see an end before the figure.
        try space.succeed("mkfifo pipe; cat pipe > piped.png & hl-delta --figure pipe p.hls > /dev/null; wait")
        #expect(try space.bytes("piped.png") == space.bytes("f.png"))
        try space.fail(64, "hl-delta --figure - p.hls")
        try space.fail(73, "hl-delta --figure nowhere/f.png p.hls", saying: "nowhere")
        try space.fail(64, "hl-delta --table --suggest p.hls", saying: "different things")
    }
}
