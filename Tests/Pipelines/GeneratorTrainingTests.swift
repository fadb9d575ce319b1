import Foundation
import Glibc
import HLFormats
import HLTensor
import TestSupport
import Testing

/// hl-train generator, from images to a generator that hl-sample takes.
struct GeneratorTrainingTests {
    private static let small = "--width 4 --chunk-size 5 --batch 4"
    private static let real = "hl-sample --clean --size 32 --seed 3"

    private func log(_ space: Workspace, _ name: String) throws -> [JSONValue] {
        try space.text(name).split(separator: "\n").map { try JSONValue(parsing: String($0), name: name) }
    }

    @Test func trainsAndSamples() throws {
        let space = try Workspace()
        // Two steps of 4 and two of 8 images.
        try space.succeed(
            "\(Self.real) | hl-train generator -q \(Self.small) -n 27 --every 8 --log g.log -o g.safetensors")
        #expect(try space.names() == ["g.checkpoints", "g.log", "g.safetensors"])
        let kept = try FileManager.default.contentsOfDirectory(atPath: space.file("g.checkpoints")).sorted()
        #expect(
            kept
                == ["8", "16", "24"].flatMap { seen in
                    ["chunks.png", "png", "safetensors"].map {
                        String(repeating: "0", count: 9 - seen.count) + "\(seen).\($0)"
                    }
                }.sorted())
        let entries = try log(space, "g.log")
        #expect(entries.compactMap { $0["samples"]?.integer } == [4, 24])
        for entry in entries {
            for key in ["discriminator_loss", "generator_loss", "real_score", "real_accuracy", "learning_rate"] {
                #expect(entry[key]?.number != nil, "\(key)")
            }
            #expect(entry["content_loss"] == nil && entry["frechet"] == nil)
        }

        // Four chunks of five, an image of 32 pixels, and all that comes behind.
        try space.succeed(
            """
            hl-sample --weights g.safetensors -n 12 --seed 0 --render | tee anchors.hls |
              hl-perturb --chunks 1-3 | hl-train -q --width 4 --batch 4 -n 12 -o e.safetensors
            """)
        let anchors = try StreamContent(path: space.file("anchors.hls"))
        #expect(anchors.rows["z.0"]?[3]?.count == 4 * 4 * 5 && anchors.rows["x.0"]?[3]?.count == 3 * 32 * 32)
        // The last checkpoint is what was written.
        #expect(try space.bytes("g.checkpoints/000000024.safetensors") == space.bytes("g.safetensors"))
        // The sheet shows the samples of hl-sample with the same seed.
        let sheet = try png(space, "g.checkpoints/000000024.png")
        let shown = try corners(of: sheet, columns: 8)
        let x = try #require(anchors.rows["x.0"])
        for id in 0..<12 {
            let pixels = try #require(x[Int64(id)])
            let corner = (0..<3).map { Int(pixels[$0 * 32 * 32]) }
            #expect(zip(shown[id], corner).allSatisfy { abs($0 - $1) <= 1 }, "sample \(id): \(shown[id]) \(corner)")
        }
    }

    private func png(_ space: Workspace, _ name: String) throws -> Image {
        try space.bytes(name).withUnsafeBytes { try Image(png: $0, name: name) }
    }

    /// R, G and B of the first pixel of each image on a sheet without captions.
    private func corners(of sheet: Image, columns: Int) throws -> [[Int]] {
        let margin = 4, cell = (sheet.width - margin) / columns
        #expect(sheet.width == margin + columns * cell)
        return sheet.withPlanes { planes in
            (0..<(sheet.height - margin) / cell).flatMap { row in
                (0..<columns).map { column in
                    let place = (margin + row * cell) * sheet.width + margin + column * cell
                    return (0..<3).map { Int(planes[$0 * sheet.width * sheet.height + place]) }
                }
            }
        }
    }

    /// What holds content in chunk 0 is said by the file, by every header, and at the end.
    @Test func contentIsDeclared() throws {
        let space = try Workspace()
        for (options, content, hasLabels) in [
            ("--content infonce --content-weight 0.1", "infonce", false),
            ("--content cells --chunk-size 10", "cells", true), ("", "none", false),
        ] {
            let run = try space.run(
                "\(Self.real) | hl-train generator \(Self.small) \(options) -n 12 --force --log g.log -o g.safetensors")
            #expect(run.status == 0 && run.errors.contains("wrote g.safetensors after 12 images"), "\(run.errors)")
            #expect(run.errors.contains("labels") == hasLabels, "\(run.errors)")
            #expect((try log(space, "g.log").last?["content_loss"]?.number != nil) == (content == "infonce"))
            try space.succeed("hl-sample --weights g.safetensors -n 4 -o a.hls")
            let info = try JSONValue(
                parsing: try space.succeed("hl-perturb a.hls | hl-view --info --json").text, name: "info")
            #expect(info["generator"]?["content"]?.string == content)
            #expect((info["generator"]?["has_seen_labels"]?.bool ?? false) == hasLabels)
        }
    }

    /// A distance in the log is that of hl-metrics on what hl-sample makes of the file.
    @Test func measuresLikeHlMetrics() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 8 | hl-perturb | hl-train -q --width 4 --batch 4 -n 8 -o e.safetensors
            hl-sample --clean --size 32 --seed 9 -n 60 -o real.hls
            \(Self.real) | hl-train generator -q \(Self.small) -n 24 --log g.log -o g.safetensors \\
              --features e.safetensors --features-layer layer2+layer4 --reference real.hls --eval-images 80 --eval-every 8
            encode="hl-encode -q --encoder e.safetensors --layer layer2+layer4"
            $encode real.hls > real-e.hls
            hl-sample --weights g.safetensors -n 80 | $encode > made-e.hls
            hl-metrics -q --json --features standard --metrics frechet,precision-recall --reference real-e.hls made-e.hls > m.json
            """)
        // Of the second step and of every one behind it: at 8, 16 and 24 images.
        let entries = try log(space, "g.log")
        #expect(entries.compactMap { $0["samples"]?.integer } == [4, 8, 16, 24])
        #expect(entries.map { $0["frechet"] != nil } == [false, true, true, true])
        let metrics = try JSONValue(parsing: try space.text("m.json"), name: "m.json")
        let file = try Safetensors.read(path: space.file("g.safetensors"))
        let quality = try JSONValue(parsing: try #require(file.metadata["hl.quality"]), name: "hl.quality")
        for (name, tolerance) in [("frechet", 0.01), ("precision", 0.03), ("recall", 0.04)] {
            let value = try #require(metrics["metrics"]?[name]?["value"]?.number)
            let logged = try #require(entries.last?[name]?.number)
            #expect(abs(logged - value) <= tolerance * (name == "frechet" ? value : 1), "\(name): \(logged), \(value)")
            #expect(quality[name]?.number == logged)
        }
        #expect(quality["generated"] == 80 && quality["real"] == 60 && quality["images_seen"] == 24)
        #expect(quality["features"] == "standard" && quality["space"]?["layer"] == "layer2+layer4")
    }

    /// What is held out never comes back in a later pass.
    @Test func heldOutImages() throws {
        let space = try Workspace()
        try LoadingTests.fill(space)
        try space.succeed(
            "hl-sample --size 32 -n 8 | hl-perturb | hl-train -q --width 4 --batch 4 -n 8 -o e.safetensors")
        let count = try StreamContent(
            path: {
                try space.succeed("hl-sample --data imagefolder:ds --size 32 -o ds.hls")
                return space.file("ds.hls")
            }()
        ).ids.count
        func train(_ images: Int, heldOut: Int, passes: Int) -> String {
            """
            hl-sample -q --data imagefolder:ds --size 32 --shuffle --epochs \(passes) | hl-train generator -q \(Self.small) \
              --no-double-batch -n \(images) --features e.safetensors --eval-images \(heldOut) -o g.safetensors
            """
        }
        // Three passes without those held out.
        let left = 3 * (count - 8) / 4 * 4
        try space.succeed(train(left, heldOut: 8, passes: 3))
        try space.fail(65, train(left + 4, heldOut: 8, passes: 3), saying: "ended after \(left) of \(left + 4) images")
        try space.succeed("rm g.safetensors.resume")
        try space.fail(65, train(8, heldOut: count + 1, passes: 0), saying: "different images")
        try space.fail(65, train(8, heldOut: count, passes: 0), saying: "none is left to learn from")
        try space.fail(65, train(8, heldOut: count + 1, passes: 1), saying: "samples to hold out")
    }

    @Test func beginsWithAnotherGenerator() throws {
        let space = try Workspace()
        let train = "\(Self.real) | hl-train generator -q \(Self.small)"
        try space.succeed("\(train) -n 12 --seed 5 -o a.safetensors")
        // At next to no rate it stays what it was.
        try space.succeed("\(train) -n 4 --no-double-batch --learning-rate 1e-12 --init a.safetensors -o b.safetensors")
        let (a, b) = try (
            Safetensors.read(path: space.file("a.safetensors")), Safetensors.read(path: space.file("b.safetensors"))
        )
        for name in ["linear.weight", "blocks.1.0.conv1.weight", "output_layer.2.bias"] {
            let (first, second) = try (#require(a.tensors[name]).floats, #require(b.tensors[name]).floats)
            #expect(zip(first, second).allSatisfy { abs($0 - $1) < 1e-5 }, "\(name)")
        }
        for options in ["--width 8", "--chunk-size 6"] {
            try space.fail(
                78, "\(train) \(options) -n 12 --init a.safetensors -o c.safetensors", saying: "a.safetensors")
        }
        try space.fail(66, "\(train) -n 12 --init none.safetensors -o c.safetensors", saying: "none.safetensors")
        #expect(!space.exists("c.safetensors"))
    }

    @Test func whatCannotBeLearntFrom() throws {
        let space = try Workspace()
        let train = "hl-train generator -q \(Self.small) -n 12 -o g.safetensors"
        let pixels: [String: HostTensor] = [
            "plain": HostTensor([Float](repeating: 0.5, count: 16 * 3072), shape: [16, 3, 32, 32]),
            "nan": HostTensor([Float](repeating: .nan, count: 16 * 3072), shape: [16, 3, 32, 32]),
        ]
        for (name, x) in pixels {
            try HandMade.stream(
                to: space.file("\(name).hls"), generator: nil, data: ["kind": "hand"],
                ["id": HandMade.ids(16), "x.0": x])
        }
        try space.succeed("\(train) plain.hls && rm -r g.*")
        try space.fail(65, "\(train) nan.hls", saying: "has a pixel of nan")
        try space.fail(65, "\(train) --content cells --classes 2 plain.hls", saying: "has no y")
        try space.fail(65, "\(train) --content cells plain.hls", saying: "does not name the classes")
        try space.fail(65, "hl-sample --size 48 | \(train)", saying: "images of 48 pixels")
        try space.fail(65, "hl-sample -n 0 | \(train)", saying: "has no samples")
        try space.fail(65, "\(Self.real) -n 3 | \(train)", saying: "holds no 4 images")
        try space.fail(
            78, "\(Self.real) | \(train) --content cells", saying: "10 classes, and chunk 0 room for 5 cells")
        try space.fail(66, "\(train) missing.hls")
        try LoadingTests.fill(space)
        try space.fail(
            78, "hl-sample --data imagefolder:ds --size 32 --random-resized-crop image | \(train)",
            saying: "a generator learns whole images")
        #expect(try !space.names().contains { $0.hasPrefix("g.safetensors") })
    }
}
