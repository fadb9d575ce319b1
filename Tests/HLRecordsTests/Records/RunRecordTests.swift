import Foundation
import Glibc
import HLFormats
import HLRecords
import TestSupport
import Testing

struct RunRecordTests {
    private func record() throws -> RunRecord {
        var record = RunRecord()
        (record.id, record.tool, record.status) = ("00ff", "hl-train", .running)
        record.arguments = ["--batch", "32", "a file\n.hls"]
        record.output = "encoder.safetensors"
        record.settings = ["batch": 32, "method": "simclr"]
        record.seed = .max
        record.streams = [["version": 1, "hash": "18446744073709551615"]]
        record.machine = .own
        record.process = .own
        (record.started, record.updated) = (1_700_000_000, 1_700_000_060)
        (record.samples, record.total, record.unit) = (640, 6400, "pairs")
        record.metrics = ["loss": 4.5, "spread": 0.75]
        record.cost.seconds = 60.5
        record.cost.energy = .init(joules: 1250.25, method: .measured, subject: "package-0", skipped: 2)
        record.cost.carbon = try CarbonIntensity(country: "SWE")
        var part = record.part
        part.cost.seconds = 7
        record.earlier = [part]
        for index in 1...5 {
            record.curves["loss", default: ValueCurve()].append(
                .init(samples: index * 320, seconds: Double(index), value: 5 - Double(index) / 10))
        }
        return record
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let folder = try Scratch(), path = folder.path + "/encoder.safetensors.run.json", record = try record()
        try folder.write(record.json.indentedText, to: "encoder.safetensors.run.json")
        let read = try RunRecordFile.read(path, withCurves: true)
        #expect(read.json == record.json)
        #expect(read.curves["loss"]?.points.count == 5 && read.totalCost.seconds == 67.5)
        // The curves are passed over, and nothing else.
        let short = try RunRecordFile.read(path, withCurves: false)
        #expect(short.curves.isEmpty && short.summary == record.summary)
    }

    @Test func aRunIsToldFromOneThatWasCut() throws {
        var record = try record()
        #expect(record.state == .running)
        let own = try #require(record.process)
        // The number of a process that has ended, or that another one has now.
        record.process = ProcessMark(pid: own.pid, start: own.start + 1, boot: own.boot, space: own.space)
        #expect(record.state == .cut)
        record.process = ProcessMark(pid: 1 << 22, start: own.start, boot: own.boot, space: own.space)
        #expect(record.state == .cut)
        // Of another machine nobody knows more than that it was there a minute ago.
        record.process = ProcessMark(pid: own.pid, start: own.start, boot: "another", space: own.space)
        #expect(record.state == .cut)
        record.updated = RunDate.now() - 60
        #expect(record.state == .running)
        record.status = .finished
        #expect(record.state == .finished)
    }

    @Test func aZombieIsNoLongerAlive() throws {
        var pid: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        #expect(posix_spawnp(&pid, "true", nil, nil, arguments, environ) == 0)
        var info = siginfo_t()
        waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT)
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let start = try #require(Int(text.split(separator: " ")[21])), own = ProcessMark.own
        #expect(ProcessMark(pid: Int(pid), start: start, boot: own.boot, space: own.space).isAlive == false)
        waitpid(pid, nil, 0)
    }

    @Test(arguments: ["", "{", "{}", "[]", "{\"hl.run\": \"1\"}", "{\"hl.run\": 1, \"status\": \"running\"}"])
    func whatIsNoRecordIsRefused(_ text: String) throws {
        let folder = try Scratch()
        try folder.write(text, to: "x.run.json")
        #expect(failure { _ = try RunRecordFile.read(folder.path + "/x.run.json", withCurves: true) }?.kind == .data)
    }

    @Test func laterVersionsAreRefused() throws {
        let folder = try Scratch()
        var object = try #require(try record().json.object)
        object["hl.run"] = "2"
        try folder.write(JSONValue.object(object).text, to: "x.run.json")
        let found = failure { _ = try RunRecordFile.read(folder.path + "/x.run.json", withCurves: true) }
        #expect(found?.kind == .incompatible)
    }

    /// Values as `date -u` has them.
    @Test func datesAreUTC() {
        #expect(RunDate.text(0) == "1970-01-01T00:00:00Z" && RunDate.text(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(RunDate.seconds("2000-02-29T00:00:00Z") == 951_782_400)
        #expect(RunDate.seconds("2026-11-27T07:38:31Z") == 1_795_765_111)
        #expect(RunDate.seconds("2026-11-27 07:38:31Z") == nil && RunDate.seconds("2026-13-27T07:38:31Z") == nil)
        for day in 0..<40_000 {
            let seconds = Double(day) * 86_400 + 3723
            if RunDate.seconds(RunDate.text(seconds)) != seconds { Issue.record("day \(day)") }
        }
    }
}
