import Foundation
import Glibc
import HLFormats
import TestSupport
import Testing

/// The scripts that come with the programs.
struct ExamplesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples").path
    private static let hasPython = Programs.isInstalled("python3")

    /// Cells of 128 pixels with margins of 4, ids and captions beside them.
    @Test(.enabled(if: hasPython), arguments: [("bigbigan", 6, 1), ("stylegan2", 4, 2)])
    func figure2(network: String, views: Int, captionLines: Int) throws {
        let space = try Workspace()
        let options = "--width 4 --rows 2 --seed 3"
        try space.succeed("\(Self.folder)/figure2.sh \(network) \(options) -o figure.png")
        #expect(try space.names() == ["figure.png"])
        let sheet = try Image.read(path: space.file("figure.png"))
        let ids = 10 + 4, captions = captionLines * 20 + 4
        #expect(sheet.width == 4 + ids + (1 + views) * 132)
        #expect(sheet.height == 4 + captions + 2 * 132)
        // Neither flat nor saturated: an anchor has values all over the range.
        sheet.withPlanes { pixels in
            var values = Set<UInt8>()
            for y in 0..<128 {
                for x in 0..<128 { values.insert(pixels[(4 + captions + y) * sheet.width + 4 + ids + x]) }
            }
            #expect(values.count > 32)
        }
        try space.succeed("\(Self.folder)/figure2.sh \(network) \(options) -o again.png; cmp figure.png again.png")
    }

    /// The generators that come along: margins of 4, and six views or four.
    @Test(arguments: [("", 6), ("cifar10", 4)]) func figure2OfOwnGenerators(network: String, views: Int) throws {
        let space = try Workspace()
        try space.succeed("\(Self.folder)/figure2.sh \(network) --rows 2 -o figure.png")
        let sheet = try Image.read(path: space.file("figure.png"))
        #expect((sheet.width - 18) % (1 + views) == 0 && sheet.height > 2 * (sheet.width - 18) / (1 + views))
    }

    /// The programs are found beside the scripts where they are not on PATH, and --help is what the script says of itself.
    @Test(arguments: [
        "demo", "detection", "figure2", "figure3", "figure5", "figure6", "figure7", "figure8", "figure9", "filter",
        "mpi", "photographs", "table1", "table2", "table3", "table4", "transfer", "views",
    ])
    func help(script: String) throws {
        let space = try Workspace()
        let path = "\(Self.folder)/\(script).sh"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let heading = lines.dropFirst().prefix { $0.hasPrefix("#") }.map { $0.dropFirst(2) + "\n" }.joined()
        for option in ["--help", "-h"] {
            let outcome = try space.run("\(path) \(option)")
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(outcome.text == heading && heading.contains("examples/\(script).sh"))
        }
        for line in ["--nonsense 1", "--seeds"] {
            #expect(try space.run("\(path) \(line)").status == 64, "\(script) \(line)")
        }
        #expect(try space.names().isEmpty)
    }

    @Test func figure2Refusals() throws {
        let space = try Workspace()
        for (options, status) in [
            ("circles", 64), ("shapes x", 64), ("bigbigan --rows", 64), ("stylegan2 missing.pkl", 66),
        ] {
            let outcome = try space.run("\(Self.folder)/figure2.sh \(options)")
            #expect(outcome.status == status && !outcome.errors.isEmpty, "\(options): \(outcome.errors)")
        }
        #expect(try space.names().isEmpty)
    }

    /// In miniature, on the files of a contact sheet's pictures: every arm at every batch, and nothing done twice.
    @Test func figure3() throws {
        let space = try Workspace()
        try space.succeed(
            """
            mkdir -p photos/train/{a,b}; hl-sample -n 32 --size 32 -o s.hls
            for i in 0 1 2 3; do for c in a b; do
                hl-view s.hls --rows 1 --columns 1 --skip $i --zoom 1 --no-captions -o photos/train/$c/$i.png
            done; done
            """)
        let command =
            "\(Self.folder)/figure3.sh --data imagefolder:photos --split train --batches 4,8 -n 16 --size 32 --width 4 --watts 65"
        let outcome = try space.run(command)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let rows = outcome.text.split(separator: "\n").map { $0.split(separator: " ") }
        let arms = ["images/4", "stored/4", "online/4", "images/8", "stored/8", "online/8", "storing"]
        #expect(rows.dropFirst().map { String($0[0]) } == arms.map { "figure3/" + $0 }, "\(outcome.text)")
        #expect(outcome.errors.split(separator: "\n").count == 6)
        #expect(try Image.read(path: space.file("figure3/figure3.png")).width > 800)
        let again = try space.run(command)
        #expect(again.text == outcome.text && again.errors.isEmpty, "\(again.errors)")
    }

    @Test func filter() throws {
        let space = try Workspace()
        let outcome = try space.run("\(Self.folder)/filter.sh --samples 1024 --test-samples 512 --folder f")
        #expect(
            outcome.status == 0 && outcome.errors.contains("where the generated are the defective ones"),
            "\(outcome.errors)")
        #expect(outcome.errors.firstMatch(of: /kept 256 of 512 samples.*; defective [0-9.]+ of [0-9.]+ %/) != nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: space.file("f")).sorted()
        #expect(names == ["all.png", "discriminator.safetensors", "kept.png", "report.json"])
        let sheets = try ["all.png", "kept.png"].map { name in
            try space.bytes("f/\(name)").withUnsafeBytes { try Image(png: $0, name: name) }
        }
        #expect(sheets[0].width == sheets[1].width && sheets[0].height > 3 * sheets[1].height / 2)
        for options in ["--samples", "--keep 1"] {
            #expect(try space.run("\(Self.folder)/filter.sh \(options)").status == 64)
        }
    }

    /// A row per chunk, δ where it should be, and a second call that trains nothing.
    @Test func table1() throws {
        let space = try Workspace()
        let script = "\(Self.folder)/table1.sh --width 8 --at-most 640 --anchors 2000 --stop-loss 0.6 --folder t"
        let outcome = try space.run(script)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.text.split(separator: "\n").map(String.init)
        let rows = lines.compactMap { $0.wholeMatch(of: /\ +([0-5]) +[-0-9.]+ +[0-9.]+ +([0-9.]+) +([0-9.]+) .*/) }
        #expect(rows.map(\.1) == ["0", "1", "2", "3", "4", "5"], "\(outcome.text)")
        #expect(rows.allSatisfy { (Double($0.2) ?? 0) > 0 })
        #expect(
            lines.last?.wholeMatch(of: /At the same loss δ grows in [0-5] of [0-5] steps .*/) != nil, "\(outcome.text)")
        let walker = try space.bytes("t/3.safetensors")
        #expect(try space.run(script).text == outcome.text)
        #expect(try space.bytes("t/3.safetensors") == walker)
        #expect(try space.run("\(Self.folder)/table1.sh --jobs 0").status == 64)
    }

    /// Two tables, of which the second has the time of the first's first row, and a second call that trains nothing.
    @Test func views() throws {
        let space = try Workspace()
        let script =
            "\(Self.folder)/views.sh --methods lejepa --positives 1,3 --anchors 64 --seeds 2 --folder v -- --width 4 --batch 8"
        let outcome = try space.run(script)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let rows = outcome.text.matches(
            of: /lejepa +([13]) +([0-9]+) +[0-9]+ +[0-9.]+ ± +[0-9.]+ +[-+][0-9.]+ \[ *[-+]/)
        #expect(rows.map { $0.1 } == ["1", "3", "1", "3"], "\(outcome.text)")
        #expect(rows.prefix(3).allSatisfy { $0.2 == "64" })
        #expect(rows.allSatisfy { Int($0.2).map { $0 % 8 == 0 } == true })
        let encoder = try space.bytes("v/lejepa-3-64-2.safetensors")
        try space.succeed("touch -d 2001-01-01 v/*")
        let again = try space.run(script)
        #expect(again.text == outcome.text && again.errors.isEmpty)
        #expect(try space.run("find v -type f -newermt 2002-01-01").text.isEmpty)
        #expect(try space.bytes("v/lejepa-3-64-2.safetensors") == encoder)
        for (options, status, saying) in [
            ("--folder v --chunks 0-5", 78, "results of another setting"),
            ("--positives 0", 64, "no list of positives"),
            ("--weights missing.pth", 66, "there is no missing.pth"), ("--anchors 8 --folder w", 64, "raise --anchors"),
        ] {
            let refusal = try space.run("\(Self.folder)/views.sh \(options)")
            #expect(refusal.status == status && refusal.errors.contains(saying), "\(options): \(refusal.errors)")
        }
    }

    private static let hasTorch =
        Programs.isInstalled("python3")
        && system(
            """
            python3 -c 'import safetensors, torch, torchvision' > /dev/null 2>&1
            """) == 0

    /// PyTorch's features of images of any size are hl-encode's, for the widths and stems that torchvision does not have.
    @Test(
        .enabled(if: hasTorch, "python3 has no torch, torchvision and safetensors"),
        arguments: [("--width 64", 64), ("--width 4 --stem cifar", 40), ("--width 4 --arch resnet50", 24)])
    func loadEncoder(options: String, side: Int) throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 8 | hl-train -q \(options) --augment simclr --batch 4 -n 8 -o e.safetensors
            hl-sample --size \(side) -n 3 --render | hl-encode -q --encoder e.safetensors -o e.hls
            """)
        let reader = try StreamReader(path: space.file("e.hls"))
        let batch = try #require(try reader.next())
        for (name, file) in [("x.0", "images"), ("e.0", "features")] {
            try space.write(try #require(batch.tensors[name]).withUnsafeBytes(Array.init), to: file)
        }
        try space.succeed(
            """
            PYTHONPATH=\(Self.folder) python3 -W ignore -c '
            import torch
            from load_encoder import load_encoder
            def read(name, dtype):
                return torch.frombuffer(bytearray(open(name, "rb").read()), dtype=dtype)
            module, transform = load_encoder("e.safetensors")
            images = read("images", torch.uint8).view(3, 3, \(side), \(side))
            difference = module(transform(images)) - read("features", torch.float32).view(3, -1)
            assert difference.abs().max() < 1e-5, difference.abs().max()'
            """)
    }

    private static let hasPytest =
        Programs.isInstalled("python3")
        && system(
            """
            python3 -c 'import numpy, pytest, safetensors, zstandard' > /dev/null 2>&1
            """) == 0

    /// The Python package's own tests, with these programs.
    @Test(.enabled(if: hasPytest, "python3 has no pytest, numpy, zstandard and safetensors"))
    func pythonPackage() throws {
        let space = try Workspace()
        let outcome = try space.run(
            "PYTHONDONTWRITEBYTECODE=1 python3 -m pytest -q -p no:cacheprovider \(Self.folder)/python", limit: 900)
        #expect(outcome.status == 0, "\(outcome.text)")
    }
}
