import Foundation
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

/// hl-metrics on streams of the other programs, and on streams of others.
struct MetricsTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, name: "json") }

    private static let encode = "hl-encode -q --untrained --width 4 --side 32"

    @Test func views() throws {
        let space = try Workspace()
        try space.succeed(
            "hl-sample --size 32 -n 90 | hl-perturb --chunks 3-5 --views 3 | \(Self.encode) --view all > e.hls")
        let report = try json(space.succeed("hl-metrics -q --json e.hls").text)
        let metrics = try #require(report["metrics"]?.object)
        // Some features of so narrow a network are never above 0: there are fewer ranks than dimensions.
        #expect(metrics.members.map(\.key) == ["rankme", "lidar", "alignment", "uniformity"])
        for (name, metric) in metrics.members {
            let value = try #require(metric["value"]?.number)
            #expect(value.isFinite, "\(name)")
            #expect(metric["source"]?.string?.isEmpty == false && (metric["minimum_samples"]?.integer ?? 0) > 0)
        }
        let rank = try #require(metrics["rankme"]?["value"]?.number)
        #expect(rank > 1 && rank < 33)
        #expect(report["space"]?["fingerprint"]?.string != nil && report["space"]?["arch"]?.string == "resnet18")
        #expect(report["stream"]?["views"]?.array?.count == 4 && report["left_out"]?.array?.count == 1)
        #expect(report["left_out"]?.array?.first?["reason"]?.string?.contains("the embeddings have rank 2") == true)
        // Two views of the four.
        let two = try json(space.succeed("hl-metrics --json --views 0,2 --metrics lidar,alignment e.hls").text)
        #expect(two["metrics"]?["lidar"]?["views"]?.integer == 2)
        #expect(two["metrics"]?["alignment"]?["value"] != metrics["alignment"]?["value"])
        // The same bits at any thread count, from a pipe, and from other records.
        let whole = try space.succeed("hl-metrics -q --json --threads 1 - < e.hls").text
        #expect(try space.succeed("hl-metrics -q --json --threads 3 - < e.hls").text == whole)
        let parts = "for s in 0 40; do hl-sample --size 32 --start $s -n $(( s == 0 ? 40 : 50 )); done"
        #expect(
            try space.succeed(
                "(\(parts)) | hl-perturb --chunks 3-5 --views 3 | \(Self.encode) --view all | hl-metrics -q --json --threads 2"
            ).text == whole)
    }

    @Test func betweenStreams() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 80 | \(Self.encode) > a.hls; hl-sample --size 32 --seed 4 --clean -n 70 | \(Self.encode) > b.hls
            """)
        let command = "hl-metrics -q a.hls --reference b.hls --json"
        let report = try json(space.succeed(command).text)
        let metrics = try #require(report["metrics"]?.object)
        for name in ["frechet", "kernel", "precision", "recall", "density", "coverage"] {
            #expect(metrics[name]?["value"]?.number?.isFinite == true, "\(name)")
        }
        #expect(report["reference"]?["samples"]?.integer == 70 && report["stream"]?["samples"]?.integer == 80)
        // A set is at no distance from itself, and within itself.
        let same = try json(space.succeed("hl-metrics -q a.hls --reference a.hls --json").text)
        #expect((same["metrics"]?["frechet"]?["value"]?.number ?? 1) < 1e-9)
        #expect(
            same["metrics"]?["precision"]?["value"]?.number == 1 && same["metrics"]?["coverage"]?["value"]?.number == 1)
        // Subsets by seed.
        let draw = "hl-metrics -q a.hls --reference b.hls --metrics kernel --subset-size 20 --subsets 5 --json"
        let first = try space.succeed("\(draw) --seed 1").text
        #expect(try space.succeed("\(draw) --seed 1 --threads 1").text == first)
        #expect(try space.succeed("\(draw) --seed 2").text != first)
        #expect(try json(first)["metrics"]?["kernel"]?["std"]?.number ?? 0 > 0)
        // Few samples are warned of by name.
        let few = try space.run(
            "hl-sample --size 32 -n 20 | \(Self.encode) | hl-metrics --reference a.hls --metrics frechet")
        #expect(few.status == 0 && few.errors.contains("warning: the Fréchet distance of no more samples (20)"))
    }

    @Test func refusals() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 40 > z.hls; \(Self.encode) z.hls > a.hls; \(Self.encode) --seed 1 z.hls > b.hls
            hl-encode -q --untrained --width 8 --side 32 z.hls > c.hls; hl-sample -n 0 > none.hls
            head -c 2000 a.hls > cut.hls
            """)
        try space.fail(78, "hl-metrics a.hls --reference c.hls", saying: "32 dimensions and those of c.hls 64")
        try space.fail(65, "hl-metrics a.hls --views 0-1 --metrics lidar", saying: "no e.1")
        try space.fail(65, "hl-metrics none.hls", saying: "has no samples")
        try space.fail(65, "hl-metrics cut.hls")
        try space.fail(66, "hl-metrics missing.hls")
        try space.fail(
            65, "hl-sample --size 32 -n 30 | \(Self.encode) | hl-metrics --metrics rankme",
            saying: "RankMe needs more samples than dimensions, and there are 30 for 32")
        try space.fail(65, "hl-metrics a.hls --reference a.hls --metrics kernel --subset-size 41", saying: "41 of 40")
        // What is left out without having been asked for is said, and is no error.
        let few = try space.run("hl-sample --size 32 -n 30 | \(Self.encode) | hl-metrics")
        #expect(few.status == 0 && few.errors.contains("warning: rankme is left out: RankMe needs more samples"))
        #expect(few.text.contains("lidar is left out: LiDAR needs several views") && few.text.contains("uniformity"))
    }

    /// With --features standard the scale of a feature is of no account, in both streams and in all metrics between them.
    @Test func standardFeaturesHaveNoScale() throws {
        let space = try Workspace()
        func write(_ name: String, _ scales: [Float], offset: Float, count: Int) throws {
            let uniform = Formula.uniform("features.\(offset)", count * 3)
            let values = uniform.indices.map { (uniform[$0] + offset) * scales[$0 % 3] }
            try HandMade.stream(
                to: space.file(name), generator: nil, data: ["kind": "hand"],
                ["id": HandMade.ids(count), "e.0": HostTensor(values, shape: [count, 3])])
        }
        for (name, scales) in [("even", [1, 1, 1]), ("uneven", [1, 512, 0.125] as [Float])] {
            try write("\(name)-s.hls", scales, offset: 0.25, count: 60)
            try write("\(name)-r.hls", scales, offset: 0, count: 50)
        }
        let names = ["frechet", "kernel", "precision", "recall", "density", "coverage"]
        func values(_ name: String, _ features: String) throws -> [Double] {
            let command = "hl-metrics -q --json \(name)-s.hls --reference \(name)-r.hls --features \(features)"
            let report = try json(space.succeed(command).text)
            #expect(report["features"]?.string == features)
            #expect(features == "raw" || report["metrics"]?.object?.members.map(\.key) == names)
            return try names.map { try #require(report["metrics"]?[$0]?["value"]?.number) }
        }
        let (even, uneven) = (try values("even", "standard"), try values("uneven", "standard"))
        for (name, pair) in zip(names, zip(even, uneven)) {
            #expect(abs(pair.0 - pair.1) <= 1e-4 * abs(pair.0), "\(name): \(pair)")
        }
        // Uniform numbers have a variance of 1/12: what is 0.25 apart is 3/4 apart in the square of its deviations.
        #expect(abs(even[0] / 2.25 - 1) < 0.5)
        for features in ["even", "uneven"] { #expect(abs(try values(features, "raw")[0] / even[0] - 1) > 0.5) }
    }

    /// Streams of others: what is no number, two encoders behind each other, no header that names one.
    @Test func foreignStreams() throws {
        let space = try Workspace()
        func write(_ name: String, _ values: [Float], dimension: Int) throws {
            let count = values.count / dimension
            try HandMade.stream(
                to: space.file(name), generator: nil, data: ["kind": "hand"],
                ["id": HandMade.ids(count), "e.0": HostTensor(values, shape: [count, dimension])])
        }
        let values = (0..<120).map { Float($0 * $0 % 31) }
        try write("good.hls", values, dimension: 3)
        for bad: Float in [.nan, .infinity] {
            var broken = values
            broken[64] = bad
            try write("bad.hls", broken, dimension: 3)
            try space.fail(65, "hl-metrics bad.hls", saying: "e.0 of sample 21 holds a NaN or an infinity")
        }
        try write("flat.hls", [], dimension: 3)
        try space.fail(65, "hl-metrics flat.hls")
        let alone = try space.run("hl-metrics good.hls --metrics rankme")
        #expect(alone.status == 0 && alone.errors.contains("does not say of all its samples which encoder"))
        let outcome = try space.run("hl-metrics good.hls --reference good.hls --metrics frechet")
        #expect(outcome.status == 0 && outcome.errors.contains("does not say of all its samples which encoder"))
        try space.succeed(
            """
            hl-sample --size 32 -n 40 > z.hls; \(Self.encode) z.hls > a.hls; \(Self.encode) --seed 1 z.hls > b.hls
            cat a.hls b.hls > joined.hls; cat a.hls a.hls > twice.hls
            """)
        try space.fail(78, "hl-metrics joined.hls", saying: "several encoders")
        #expect(try json(space.succeed("hl-metrics -q --json twice.hls").text)["stream"]?["samples"]?.integer == 80)
    }
}
