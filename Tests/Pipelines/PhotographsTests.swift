import Foundation
import HLFormats
import TestSupport
import Testing

/// `examples/photographs.sh` in miniature.
struct PhotographsTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples/photographs.sh").path
    private static let weights = Programs.tests + "/HLGeneratorsTests/Fixtures/bigbigan_32.safetensors"
    private static let options =
        "--data imagefolder:photos --weights \(weights) --pairs 16 --batch 8 --width 4 --fit 20 --validation 10 --folder p"

    /// Photographs whose class is their grey, but not always.
    private func photographs(_ space: Workspace, _ folder: String, splits: [(String, Range<Int>)]) throws {
        for (split, numbers) in splits {
            for (index, name) in ["dark", "light"].enumerated() {
                let place = space.file("\(folder)/\(split)/\(name)")
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                for number in numbers {
                    let grey = 100 + 30 * index + (number * 37 + index * 11) % 81 - 40
                    try Image(width: 34, height: 32, grey: UInt8(grey)).writePNG(to: "\(place)/\(number).png")
                }
            }
        }
    }

    private func lines(_ space: Workspace, _ name: String = "p/results.tsv") throws -> [[Substring]] {
        try space.text(name).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: "\t") }
    }

    private func score(_ line: [Substring], _ set: String) -> Double? {
        line[9].split(separator: ",").compactMap { part -> Double? in
            let pair = part.split(separator: "=")
            return pair.count == 2 && pair[0] == set ? Double(pair[1]) : nil
        }.first
    }

    /// Every arm has its lines, the tables are what the lines say, and a second call computes nothing.
    @Test func armsAndTables() throws {
        let space = try Workspace()
        try photographs(space, "photos", splits: [("train", 0..<20), ("test", 20..<26)])
        try photographs(space, "sets/other", splits: [("train", 0..<9), ("test", 20..<25)])
        let arms = "real,synth,random,hl,hl-d,learned,hl-learned,mixed"
        let command =
            "\(Self.script) \(Self.options) --parts arms --arms \(arms) --seeds 2 --sigmas 0.2,1 --transfer sets"
        let outcome = try space.run(command, limit: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let results = try lines(space)
        let made = Set(results.map { $0[2...6].joined(separator: " ") })
        #expect(made.count == results.count)
        for seed in 1...2 {
            #expect(made.contains("untrained - - - \(seed)"))
            for tx in ["simclr", "no-color"] {
                for arm in arms.split(separator: ",") where arm != "random" {
                    let amount = arm == "mixed" ? "10:1" : "-"
                    #expect(made.contains("\(arm) \(amount) simclr \(tx) \(seed)"))
                }
            }
        }
        // Of random all σ at seed 1, and at seed 2 the one with the best score on validation photographs.
        for tx in ["simclr", "no-color"] {
            let first = results.filter { $0[2] == "random" && $0[5] == tx && $0[6] == "1" }
            let second = results.filter { $0[2] == "random" && $0[5] == tx && $0[6] == "2" }
            #expect(first.map { String($0[3]) } == ["0.2", "1"] && second.count == 1)
            let best = try #require(first.compactMap { self.score($0, "validation") }.max())
            let chosen = try #require(first.first { self.score($0, "validation") == best })
            #expect(second[0][3] == chosen[3])
            #expect(outcome.text.contains("\(tx) \(chosen[3])"), "\(outcome.text)")
        }
        for line in results {
            #expect(line.count == 10 && score(line, "test") != nil && score(line, "other") != nil)
            #expect((line[0] == "-") == ["real", "untrained"].contains(line[2]))
        }
        // A cell, a paired difference under the paper's T_x with its interval of two seeds, and a mean of Table 3.
        func values(_ arm: String, _ tx: String, _ set: String = "test") -> [Double] {
            results.filter { $0[2] == arm && $0[5] == tx }.compactMap { self.score($0, set) }
        }
        let hl = values("hl", "no-color"), synth = values("synth", "simclr")
        let differences = zip(hl, synth).map { $0 - $1 }
        let mean = (differences[0] + differences[1]) / 2, half = 12.706 * abs(differences[0] - differences[1]) / 2
        func cell(_ values: [Double]) -> String {
            "\(fixed((values[0] + values[1]) / 2, 2)) ± \(fixed(abs(values[0] - values[1]) / 2.0.squareRoot(), 2))"
        }
        func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + fixed(value, 2) }
        let rows = outcome.text.split(separator: "\n").map(String.init)
        let row = try #require(rows.first { $0.hasPrefix("HL random ") && !$0.hasPrefix("HL random (D)") })
        #expect(row.contains(cell(hl)) && row.contains(cell(values("hl", "simclr"))), "\(row)")
        let paired = try #require(rows.first { $0.hasPrefix("HL random – synth") })
        #expect(paired.contains("\(signed(mean)) [\(signed(mean - half)), \(signed(mean + half))]"), "\(paired)")
        #expect(outcome.text.contains("Table 3") && outcome.text.contains(cell(values("hl", "no-color", "other"))))
        // Nothing is done again, and the tables are the same without anything else.
        let before = try space.bytes("p/results.tsv")
        let again = try space.run(command)
        #expect(
            again.status == 0 && again.text == outcome.text && !again.errors.contains("training"), "\(again.errors)")
        #expect(try space.bytes("p/results.tsv") == before)
        #expect(try space.run(command + " --tables").text == outcome.text)
        // What is lost is made again, of what is there to the same scores, by another folder with the file of results.
        try space.succeed("cp p/results.tsv kept; sed -i '/\\thl\\t.*no-color\\t2\\t/d' p/results.tsv")
        #expect(try space.run(command).status == 0)
        #expect(
            Set(try space.text("kept").split(separator: "\n"))
                == Set(try space.text("p/results.tsv").split(separator: "\n")))
        let other = command.replacingOccurrences(of: "--folder p", with: "--folder q --results kept")
        let elsewhere = try space.run(other)
        #expect(elsewhere.status == 0 && elsewhere.text == outcome.text)
        #expect(try lines(space, "kept").count == results.count)
        // Results of others are not mixed in.
        #expect(try space.run("\(command) --tables --pairs 24").text.contains("no results"))
        #expect(try space.run("\(command) --pairs 24").status == 78)
    }

    @Test func contentAndTime() throws {
        let space = try Workspace()
        try photographs(space, "photos", splits: [("train", 0..<20), ("test", 20..<26)])
        let outcome = try space.run("\(Self.script) \(Self.options) --parts content", limit: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("keep their class") && outcome.text.contains("redrawn"), "\(outcome.text)")
        #expect(outcome.text.contains("wrong on") && outcome.text.contains("of the 12 images"))
        #expect(try space.names().contains("p") && !outcome.text.contains("Table 2"))
        // No time at all: nothing is trained, and the tables say so.
        let none = try space.run("\(Self.script) \(Self.options) --parts arms --arms synth --hours 0")
        #expect(none.status == 0 && none.errors.contains("the time is over"), "\(none.errors)")
        #expect(none.text.contains("no results"))
    }

    @Test func refusals() throws {
        let space = try Workspace()
        let calls = [
            ("", 64), ("--data imagefolder", 64), ("--data x:y --pairs", 64), ("--data x:y --pairs 0", 64),
            ("--data x:y --arms best", 64), ("--data x:y --parts all", 64), ("--data x:y --methods supervised", 64),
            ("--data x:y --sigmas a", 64), ("--data x:y --mix-ratio 3", 64), ("--data x:y --hours soon", 64),
            ("--data x:y --weights missing", 66),
            ("--data x:y --transfer missing", 66), ("--data x:y --classifier missing", 66),
            ("--data x:y --tables --folder f", 66),
            ("--data imagefolder:missing --weights \(Self.weights) --folder f", 70),
        ]
        for (options, status) in calls {
            let outcome = try space.run("\(Self.script) \(options)")
            #expect(
                outcome.status == status && !outcome.errors.isEmpty, "\(options): \(outcome.status) \(outcome.errors)")
        }
    }
}
