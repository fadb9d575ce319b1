import Foundation
import HLFormats
import TestSupport
import Testing

/// The scripts of the paper's tables and figures, at the scale that is there for tests.
struct PaperTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples").path

    private func script(_ name: String, _ settings: String = "") -> String {
        "SCALE=tiny FOLDER=f \(settings) \(Self.folder)/\(name).sh"
    }

    private static let rows = [
        "real - all", "synth - all", "synth random all", "synth HL rand. no col.", "synth (D) HL rand. no col.",
        "synth learned all", "synth HL learn. no col.", "synth (D) HL learn. no col.",
    ]
    private static let names = [
        "real", "synth", "random", "HL random", "HL random (D)", "learned", "HL learned", "HL learned (D)",
    ]

    /// Words of a line, with one space between them.
    private func words(_ line: Substring) -> String { line.split(separator: " ").joined(separator: " ") }

    /// Rows as in the paper with what the encoders' scores say, and of a second call the same without any training; Tables 1,
    /// 3 and 4 go on with what is there.
    @Test func tables() throws {
        let space = try Workspace()
        let outcome = try space.run(script("table2", "SEEDS=2"), limit: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.text.split(separator: "\n").map(words)
        #expect(lines.contains("Data T_z T_x Top-1 Top-5 AP AP50 AP75"), "\(outcome.text)")
        for row in Self.rows {
            let cells = lines.compactMap { $0.hasPrefix(row + " ") ? String($0.dropFirst(row.count + 1)) : nil }
            let cell = try #require(cells.first, "\(row)")
            #expect(cells.count == 1 && cell.wholeMatch(of: /[\d.]+ ± [\d.]+ [\d.]+ ± [\d.]+ – – –/) != nil, "\(row)")
        }
        // Of a row by hand.
        let tops = try (1...2).map { seed in
            let json = try JSONValue(parsing: space.text("f/scores/simclr-synth-simclr-\(seed).json"), name: "score")
            return try #require(json["linear"]?["top1"]?["mean"]?.number)
        }
        let mean = fixed((tops[0] + tops[1]) / 2, 1), deviation = fixed(abs(tops[0] - tops[1]) / 2.0.squareRoot(), 1)
        #expect(lines.contains { $0.hasPrefix("synth - all \(mean) ± \(deviation) ") }, "\(outcome.text)")
        #expect(
            outcome.text.firstMatch(of: /simclr, top-1: \d+ of 15 pairs of rows are in the order of the paper/) != nil)
        #expect(outcome.text.contains("HL random – random"))
        let again = try space.run(script("table2", "SEEDS=2"))
        #expect(again.text == outcome.text && !again.errors.contains("training"), "\(again.errors)")
        // What detection.sh leaves is the AP of its row.
        try space.succeed(
            """
            mkdir -p f/detection/simclr-hl-no-color-1
            printf '{\\n  "AP": 54.32,\\n  "AP50": 80.0,\\n  "AP75": 60\\n}\\n' > f/detection/simclr-hl-no-color-1/ap.json
            """)
        let detected = try space.succeed(script("table2")).text.split(separator: "\n").map(words)
        #expect(detected.contains { $0.hasPrefix("synth HL rand. no col.") && $0.hasSuffix(" 54.3 80.0 60.0") })

        let third = try space.run(script("table3"), limit: 300)
        #expect(third.status == 0, "\(third.errors)")
        let halves = third.text.components(separatedBy: "Table 3, right")
        #expect(halves.count == 2 && halves[0].contains("mean over defective far few"), "\(third.text)")
        let left = halves[0].split(separator: "\n").map(words)
        for name in Self.names {
            #expect(
                left.contains { $0.hasPrefix(name + " ") && Double($0.dropFirst(name.count + 1)) != nil }, "\(name)")
        }
        let right = (halves.last ?? "").split(separator: "\n").map(words)
        for name in ["synth", "random", "HL random", "learned", "HL learned"] {
            let cells = right.first { $0.wholeMatch(of: /.* [\d.]+( [\d.]+){5}/) != nil && $0.hasPrefix(name + " ") }
            #expect(cells != nil, "\(name): \(third.text)")
        }
        let fourth = try space.run(script("table4"), limit: 300)
        #expect(fourth.status == 0 && fourth.text.contains("Encoder"), "\(fourth.errors)")
        #expect(!fourth.errors.contains("training simclr-hl-") && fourth.errors.contains("training supervised-"))
        let first = try space.run(script("table1"), limit: 300)
        #expect(first.status == 0 && !first.errors.contains("training the walker"), "\(first.errors)")
        let chunks = first.text.components(separatedBy: "Table 1 (right)").last?.split(separator: "\n").map(words) ?? []
        #expect(chunks.contains { $0.wholeMatch(of: /0 [\d.]+ [\d.]+ - -/) != nil }, "\(first.text)")
        #expect(chunks.contains { $0.wholeMatch(of: /5( [\d.]+){4}/) != nil }, "\(first.text)")
    }

    /// A single database of LSUN, which has no splits, beside the second generator.
    @Test func databaseOfCars() throws {
        let space = try Workspace()
        let cars = "REAL_CARS=lsun:\(Programs.tests)/HLDataTests/Fixtures/sets/car,crop=cars"
        let outcome = try space.run(script("table3", "\(cars) CARS_TRAIN=none"), limit: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let right = outcome.text.components(separatedBy: "Table 3, right").last ?? ""
        let lines = right.split(separator: "\n").map(words)
        #expect(lines.contains { $0.wholeMatch(of: /real( [\d.]+){6}/) != nil }, "\(outcome.text)")
        // Figure 9 needs no images, and goes on in the same folder; others refuse it on other images.
        #expect(try space.run(script("figure9", "ANCHORS=2")).status == 0)
        #expect(try space.run(script("figure7", "TXS=none")).status == 78)
        // Each script compares what concerns it.
        #expect(try space.run(script("figure8", "ANCHORS=2 PAIRS=64")).status == 0)
        #expect(try space.run(script("table2", "PAIRS=64")).status == 78)
    }

    @Test func figures() throws {
        let space = try Workspace()
        let settings = "TXS='simclr none' SIGMAS='0.5 1' CHECKPOINTS='16 24'"
        let pictures = [
            ("figure5", ["figure5-random", "figure5-hl"]), ("figure6", ["figure6-learned", "figure6-hl-learned"]),
            ("figure7", ["second/figure7-random", "second/figure7-learned"]),
        ]
        for (name, drawn) in pictures {
            let outcome = try space.run(script(name, settings), limit: 300)
            #expect(outcome.status == 0, "\(outcome.errors)")
            for picture in drawn { #expect(try Image.read(path: space.file("f/\(picture).png")).width > 400) }
            let rows = outcome.text.split(separator: "\n").map(words)
            #expect(rows.count { $0.wholeMatch(of: /(0\.5|1|16|24) [\d.]+ [\d.]+/) != nil } == 4, "\(outcome.text)")
        }
        let again = try space.run(script("figure6", settings))
        #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
        // Anchors and views of four kinds, of one column for each anchor.
        for name in ["figure8", "figure9"] {
            let outcome = try space.run(script(name, "ANCHORS=3"), limit: 300)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let sheet = try Image.read(path: space.file("f/\(name).png"))
            #expect(sheet.height > sheet.width && 3 * sheet.height > 4 * sheet.width)
        }
    }

    @Test func refusals() throws {
        let space = try Workspace()
        for (name, settings, status) in [
            ("table2", "SCALE=large", 64), ("table2", "SEEDS=0", 64), ("table2", "METHODS=best", 64),
            ("table3", "PAIRS=some", 64), ("table4", "SCALE=paper", 64), ("table2", "WEIGHTS=missing", 66),
            ("figure5", "WEIGHTS=\(Programs.tests)/HLGeneratorsTests/Fixtures/bigbigan_32.safetensors", 64),
            ("figure9", "CARS=missing", 66), ("table2", "SCALE=paper WEIGHTS=/dev/null", 64),
            // What nothing takes the place of at that scale.
            ("table3", "SCALE=paper WEIGHTS=/dev/null REAL=imagefolder:x", 64),
            ("table4", "SCALE=paper WEIGHTS=/dev/null REAL=imagefolder:x", 64),
            ("table3", "SCALE=paper WEIGHTS=/dev/null REAL=imagefolder:x SETS=. CARS=/dev/null", 64),
            ("figure7", "SCALE=paper CARS=/dev/null", 64), ("table3", "CARS_SETS=missing", 66),
        ] {
            let outcome = try space.run("FOLDER=f \(settings) \(Self.folder)/\(name).sh")
            #expect(outcome.status == status && !outcome.errors.isEmpty, "\(name) \(settings): \(outcome.errors)")
            #expect(!outcome.errors.contains("unbound variable"), "\(name) \(settings): \(outcome.errors)")
        }
        // Another setting in the same folder.
        try space.succeed("mkdir -p g && echo 'tiny, of another kind' > g/settings")
        #expect(try space.run("SCALE=tiny FOLDER=g \(Self.folder)/figure8.sh").status == 78)
    }
}
