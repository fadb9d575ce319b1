import HLFormats
import TestSupport
import Testing

/// The pipes of the manual pages do what they say.
struct BasicTests {
    @Test func trainsEmbedsAndProbes() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 | hl-perturb --chunks 1-5 \
              | hl-train -q --width 16 --batch 32 -n 128 -o encoder.safetensors
            hl-sample --size 32 -n 96 --seed 1 | hl-encode --encoder encoder.safetensors -o train.hls
            hl-sample --size 32 -n 48 --seed 2 | hl-encode --encoder encoder.safetensors > test.hls
            """)
        let file = try Safetensors.read(path: space.file("encoder.safetensors"))
        #expect(file.tensors["backbone.conv1.weight"]?.shape == [16, 3, 7, 7])
        #expect(file.tensors["backbone.layer4.1.bn2.running_var"]?.shape == [128])
        #expect(!space.exists("encoder.safetensors.resume"))
        #expect(try space.names() == ["encoder.safetensors", "test.hls", "train.hls"])

        let content = try StreamContent(path: space.file("test.hls"))
        #expect(content.names == ["e.0", "id", "y", "z.0"])
        #expect(content.ids == Array(0..<48))
        #expect(content.floats("e.0")[7]?.count == 128)

        let table = try space.succeed("hl-probe --train train.hls --test test.hls --epochs 2 --seeds 2 -k 5")
        #expect(table.text.contains("linear"))
        let json = try space.succeed(
            "hl-probe --train <(cat train.hls) --test <(cat test.hls) --epochs 2 --seeds 2 -k 5 --json")
        let report = try JSONValue(parsing: json.text, name: "report")
        #expect(report.object?.members.isEmpty == false)
    }

    @Test func viewsPairsAndGrids() throws {
        let space = try Workspace()
        let options = "--zoom 1 --no-captions --rows 3 --columns 5"
        try space.succeed("hl-sample --size 32 | hl-perturb --views 2 | hl-view \(options) -o pairs.png")
        try space.succeed("hl-sample --size 32 | hl-view \(options) > grid.png")
        for (name, columns) in [("pairs.png", 3), ("grid.png", 5)] {
            let bytes = try space.bytes(name)
            #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
            let image = try bytes.withUnsafeBytes { try Image(png: $0, name: name) }
            // Images of 32 pixels with 4 pixels around each.
            #expect(image.width == columns * 36 + 4)
            #expect(image.height == 3 * 36 + 4)
        }
    }

    /// What is known of a stream is printed at once, since it need not have an end.
    @Test func headerBeforeTheEnd() throws {
        let space = try Workspace()
        try space.succeed("hl-sample | hl-perturb | hl-view --header > header")
        let child = try space.start("hl-sample --seed 7 | hl-view --info > info")
        try child.until(limit: 30) {
            String(decoding: (try? space.bytes("info")) ?? [], as: UTF8.self).contains("\"seed\":7") ? true : nil
        }
        #expect(child.poll() == nil)
        #expect(String(decoding: try space.bytes("header"), as: UTF8.self).contains("history    hl-perturb"))
        child.signal(9)
    }

    @Test func measuresDelta() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 500 | hl-perturb --chunks 1-5 > pairs.hls")
        let table = try space.succeed("hl-delta pairs.hls").text.split(separator: "\n")
        #expect(table[0].contains("z.0 - z.1"))
        #expect(table[1].hasPrefix("chunk"))
        #expect(table[2...8].map { $0.split(separator: " ").first } == ["0", "1", "2", "3", "4", "5", "all"])

        let json = try JSONValue(parsing: try space.succeed("hl-delta --json < pairs.hls").text, name: "json")
        #expect(json["samples"] == 500)
        let means = json["chunks"]?.array?.compactMap { $0["mean"]?.number } ?? []
        #expect(means.count == 6)
        #expect(means.first == 0)
        // The root of 20 times the variance 0.774 of N^t(0, 1, 2), less a little because it is the mean of a root.
        #expect(means.dropFirst().allSatisfy { (3.7...4.1).contains($0) })
    }

    @Test func imagesOfAllKinds() throws {
        let space = try Workspace()
        try space.succeed("hl-sample --size 32 -n 12 --render > u8.hls")
        try space.succeed("hl-sample --size 32 -n 12 --render --pixels f32 > f32.hls")
        let (bytes, floats) = (
            try StreamContent(path: space.file("u8.hls")), try StreamContent(path: space.file("f32.hls"))
        )
        for (id, pixels) in floats.floats("x.0") {
            #expect(pixels.count == 3 * 32 * 32)
            #expect(pixels.map { UInt8(($0 * 255).rounded(.toNearestOrEven)) } == bytes.rows["x.0"]?[id])
        }
    }

    @Test func givenLatentsRoundTrip() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 30 --seed 4 -o a.hls; hl-sample --from a.hls --seed 8 > b.hls")
        #expect(try StreamContent(path: space.file("a.hls")) == StreamContent(path: space.file("b.hls")))
    }

    /// A reader that stops early is no error for the endless writers before it.
    @Test(arguments: [
        "hl-sample | head -c 100000", "hl-sample | hl-perturb | head -c 300000", "hl-sample | true",
        "hl-sample --render | hl-perturb | hl-view --rows 1 --zoom 1",
        "hl-sample --size 32 | hl-perturb | hl-encode --untrained --width 16 --side 32 | head -c 20000",
        "hl-sample --size 32 | hl-perturb | hl-train -q --width 16 --batch 8 -n 16 -o e.safetensors",
    ])
    func endlessPipesEnd(pipe: String) throws {
        let space = try Workspace()
        try space.succeed(pipe + " > out")
    }

    @Test(.enabled(if: Programs.isInstalled("zstd"), "needs the program zstd"))
    func acceptedByZstd() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 5000 | hl-perturb > pipe.hls")
        try space.succeed("hl-sample -n 5000 -o file.hls")
        try space.succeed("zstd -qt < pipe.hls; zstd -qt < file.hls")
    }
}
