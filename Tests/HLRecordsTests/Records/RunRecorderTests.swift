import Foundation
import HLFormats
import HLRecords
import TestSupport
import Testing

struct RunRecorderTests {
    private func recorder(_ path: String?) throws -> RunRecorder {
        var record = RunRecord()
        (record.id, record.tool, record.process, record.started) = ("1", "hl-train", .own, RunDate.now())
        return try RunRecorder(record, path: path, meter: CostMeter(root: "/nowhere"))
    }

    @Test func theFileFollowsTheRun() throws {
        let folder = try Scratch(), path = folder.path + "/a.run.json"
        let recorder = try recorder(path)
        #expect(try RunRecordFile.read(path, withCurves: true).state == .running)
        recorder.update { $0.samples = 64 }
        recorder.note(["loss": 2.5, "note": "text"], samples: 64)
        #expect(try RunRecordFile.read(path, withCurves: true).samples == 0)
        try recorder.beat()
        let beaten = try RunRecordFile.read(path, withCurves: true)
        #expect(beaten.samples == 64 && beaten.metrics["loss"] == 2.5 && beaten.curves["loss"]?.points.count == 1)
        #expect(beaten.cost.cpuSeconds > 0)
        try recorder.end(.failed, failure: "the disk is full: free some space")
        let last = try RunRecordFile.read(path, withCurves: true)
        #expect(last.status == .failed && last.failure?.contains("disk") == true && last.ended != nil)
        // What comes late changes nothing.
        recorder.update { $0.samples = 128 }
        try recorder.beat()
        #expect(try RunRecordFile.read(path, withCurves: true).samples == 64)
    }

    /// Readers never see half a record, however often it is replaced.
    @Test func everyReadingIsWhole() throws {
        let folder = try Scratch(), path = folder.path + "/a.run.json"
        let recorder = try recorder(path)
        for index in 0..<500 { recorder.note(["loss": .number(Double(index))], samples: index) }
        let writer = Thread { for _ in 0..<200 { try? recorder.beat() } }
        writer.start()
        while !writer.isFinished { _ = try RunRecordFile.read(path, withCurves: true) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.run.json"])
    }

    /// A disk that was full for a moment does not make a run that finished one that was cut.
    @Test func theLastRecordIsTriedOnceMore() throws {
        let folder = try Scratch(), path = folder.path + "/sub/a.run.json"
        try folder.write("", to: "sub/x")
        let recorder = try recorder(path)
        try folder.remove("sub")
        #expect(failure { try recorder.beat() }?.kind == .cannotCreate)
        try folder.write("", to: "sub/x")
        try recorder.end(.finished)
        #expect(try RunRecordFile.read(path, withCurves: false).status == .finished)
    }

    @Test func aRecordThatCannotBeWrittenIsAnErrorOnce() throws {
        let folder = try Scratch()
        try folder.write("", to: "sub/x")
        let recorder = try recorder(folder.path + "/sub/a.run.json")
        try folder.remove("sub")
        #expect(failure { try recorder.beat() }?.kind == .cannotCreate)
        try recorder.beat()
        try recorder.end(.finished)
        #expect(failure { _ = try self.recorder(folder.path + "/sub/a.run.json") }?.kind == .cannotCreate)
    }
}
