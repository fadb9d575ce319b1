import Foundation
import HLFormats
import HLRecords
import TestSupport
import Testing

struct RunRecordsTests {
    private func record(_ change: (inout RunRecord) -> Void) -> String {
        var record = RunRecord()
        (record.tool, record.status, record.started) = ("hl-train", .finished, 1_700_000_000)
        change(&record)
        return record.json.indentedText
    }

    private func folder() throws -> Scratch {
        let folder = try Scratch()
        try folder.write(
            record {
                $0.metrics = ["loss": 3]
                $0.settings = ["batch": 64]
                $0.cost.seconds = 20
            }, to: "b.safetensors.run.json")
        try folder.write(
            record {
                $0.metrics = ["loss": 1]
                $0.settings = ["batch": 128]
                $0.cost.seconds = 30
                $0.started += 60
            }, to: "deep/er/a.safetensors.run.json")
        try folder.write(record { $0.started -= 60 }, to: "deep/c.hls.run.json")
        try folder.write("{}", to: "deep/d.run.json")
        try folder.write("no record", to: "deep/notes.json")
        try folder.write(record { _ in }, to: ".hidden/e.run.json")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/deep/loop", withDestinationPath: "..")
        return folder
    }

    private func names(_ runs: RunRecords) -> [String] {
        runs.entries.map { $0.name.split(separator: "/").last.map(String.init) ?? "" }
    }

    @Test(arguments: [1, 3]) func foldersAreSearchedToTheirDepth(_ threads: Int) throws {
        let folder = try folder()
        let runs = try RunRecords([folder.path], withCurves: false, threads: threads)
        #expect(Set(names(runs)) == ["a.safetensors", "b.safetensors", "c.hls"])
        #expect(runs.problems.count == 1 && runs.problems[0].contains("deep/d.run.json"))
        let single = try RunRecords([folder.path + "/b.safetensors"], withCurves: false, threads: 1)
        #expect(names(single) == ["b.safetensors"])
        #expect(failure { _ = try RunRecords([folder.path + "/x"], withCurves: false, threads: 1) }?.kind == .noInput)
        let damaged = folder.path + "/deep/d.run.json"
        #expect(failure { _ = try RunRecords([damaged], withCurves: false, threads: 1) }?.kind == .data)
    }

    @Test func runsAreSorted() throws {
        let folder = try folder(), runs = try RunRecords([folder.path], withCurves: false, threads: 1)
        #expect(names(runs.sorted(by: "started", isReversed: false)) == ["c.hls", "b.safetensors", "a.safetensors"])
        #expect(names(runs.sorted(by: "seconds", isReversed: true)) == ["a.safetensors", "b.safetensors", "c.hls"])
        // What has no loss comes last either way.
        #expect(names(runs.sorted(by: "loss", isReversed: false)) == ["a.safetensors", "b.safetensors", "c.hls"])
        #expect(names(runs.sorted(by: "loss", isReversed: true)) == ["b.safetensors", "a.safetensors", "c.hls"])
        #expect(names(runs.sorted(by: "batch", isReversed: true)).first == "a.safetensors")
        #expect(names(runs.sorted(by: "name", isReversed: false)).first == "b.safetensors")
    }

    /// Numbers in names count as numbers, whatever their length and the zeros before them, and with their decimals.
    @Test func namesInTheOrderOfTheirNumbers() {
        let names = [
            "", "0", "1a", "1b", "02", "2", "10", "a", "a1", "a01b", "a2", "a10", "a10/1", "a10/9", "a10/10", "b",
            "b18446744073709551616", "b28446744073709551616", "lr0.05", "lr0.1", "lr0.25.txt", "lr0.5", "lr2.25",
            "lr10.0",
            "v.2", "v.10",
        ]
        for (left, a) in names.enumerated() {
            for (right, b) in names.enumerated() {
                #expect(RunValue.precedes(.text(a), .text(b)) == (left < right), "\(a) before \(b)")
            }
        }
        #expect(RunValue.precedes(.number(3), .text("1")) && !RunValue.precedes(.text("1"), .number(3)))
    }

    /// Two programs of a pipe: their processors' time adds up, and so does what was estimated of it.
    @Test func aPipelineIsOneRun() throws {
        let folder = try Scratch()
        func write(_ tool: String, _ seconds: Double, _ cpu: Double, _ joules: Double, _ method: RunCost.Energy.Method)
            throws
        {
            let text = record {
                $0.tool = tool
                ($0.cost.seconds, $0.cost.cpuSeconds) = (seconds, cpu)
                $0.cost.energy = .init(joules: joules, method: method, subject: "")
                if tool == "hl-train" { $0.settings = ["batch": 32] }
            }
            try folder.write(text, to: "\(method.rawValue)/\(tool).run.json")
        }
        for method in [RunCost.Energy.Method.estimated, .measured] {
            try write("hl-sample", 21, 5, 50, method)
            try write("hl-train", 20, 30, 300, method)
        }
        let runs = try RunRecords([folder.path], withCurves: false, threads: 1).pipelines.entries
        #expect(runs.count == 2)
        for run in runs {
            let cost = run.record.totalCost, isMeasured = run.path.hasSuffix("measured")
            #expect(run.value("batch") == .number(32) && cost.seconds == 21 && cost.cpuSeconds == 35)
            #expect(cost.energy?.joules == (isMeasured ? 300 : 350))
        }
    }
}
