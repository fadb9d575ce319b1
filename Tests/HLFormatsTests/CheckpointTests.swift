import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// The envelope of trained networks and stopped runs.
struct CheckpointTests {
    private let walker = Checkpoint(kind: "walker", version: "1.2", writtenBy: "hl-train walker")
    private let encoder = Checkpoint(kind: "encoder", version: "1", writtenBy: "hl-train")
    private let tensors: NamedTensors = ["a": HostTensor([1, 2] as [Float], shape: [2])]

    @Test func writtenAndRead() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let entry = HistoryEntry(tool: "hl-train walker", version: "1", arguments: ["--batch", "4"], seed: 3)
        let file = walker.file(
            tensors, metadata: ["hl.walker": #"{"chunks":"2"}"#, "hl.step": "12"], training: ["batch": 4],
            history: [entry])
        #expect(
            file.metadata.keys.sorted() == [
                "hl.history", "hl.kind", "hl.step", "hl.training", "hl.version", "hl.walker",
            ])
        #expect(file.metadata["hl.kind"] == "walker" && file.metadata["hl.version"] == "1.2")
        #expect(file.metadata["hl.training"] == #"{"batch":4}"#)
        try Safetensors.write(file, to: path)
        let read = try walker.read(path: path)
        #expect(read.tensors["a"]?.floats == [1, 2])
        #expect(try read.json("hl.walker")["chunks"] == "2" && read.json("hl.training")["batch"] == 4)
        #expect(try read.integer("hl.step") == 12)
        #expect(try read.json("hl.history").array?.first?["seed"] == 3)
        // Of another minor version.
        let older = Checkpoint(kind: "walker", version: "1", writtenBy: "")
        #expect(try older.read(path: path).text("hl.step") == "12")
        #expect(failure { _ = try walker.read(path: path + ".nowhere") }?.kind == .noInput)
    }

    /// A run that is not over has no history, and its settings stand where those of its result do.
    @Test func stoppedRuns() throws {
        let file = Checkpoint.stoppedRun.file(tensors, metadata: [:], training: ["batch": 4])
        #expect(file.metadata == ["hl.kind": "training", "hl.version": "1", "hl.training": #"{"batch":4}"#])
        let early = failure { _ = try encoder.contents(of: file, path: "x") }
        #expect(
            early
                == Failure(
                    .incompatible, "x is what a stopped run goes on from, not an encoder",
                    "let hl-train --resume finish it, and name the file that it writes"))
        let other = failure {
            _ = try Checkpoint.stoppedRun.contents(
                of: encoder.file(tensors, metadata: [:], training: nil, history: []), path: "x")
        }
        #expect(
            other
                == Failure(
                    .incompatible, "x holds an encoder, not what a stopped run goes on from", "delete it and start anew"
                ))
    }

    @Test func refusals() throws {
        let kind = failure {
            _ = try walker.contents(of: encoder.file(tensors, metadata: [:], training: nil), path: "x")
        }
        #expect(
            kind
                == Failure(
                    .incompatible, "x holds an encoder, not a walker", "name a file that hl-train walker wrote"))
        for version in ["2", "2.0", "0", "10", "1x", ""] {
            let file = TensorFile(tensors: tensors, metadata: ["hl.kind": "walker", "hl.version": version])
            let refusal = failure { _ = try walker.contents(of: file, path: "x") }
            #expect(refusal?.kind == .incompatible && refusal?.what.contains("version \(version)") == true)
        }
        let none = TensorFile(tensors: tensors, metadata: ["hl.kind": "walker"])
        #expect(failure { _ = try walker.contents(of: none, path: "x") }?.what.contains("version none") == true)
    }

    /// What has diverged is not written, and what was there stays.
    @Test(arguments: [Float.nan, .infinity]) func lostNetworksAreNotWritten(value: Float) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Checkpoint.write(walker.file(tensors, metadata: [:], training: nil), to: path)
        let lost: NamedTensors = [
            "a": HostTensor([5, 6] as [Float], shape: [2]), "b": HostTensor([1, value], shape: [2]),
            "step": HostTensor([Int64.min], shape: [1]),
        ]
        let refusal = failure {
            try Checkpoint.write(walker.file(lost, metadata: [:], training: nil), to: path, remedy: "start anew")
        }
        #expect(refusal?.kind == .data && refusal?.remedy == "start anew")
        #expect(refusal?.what.contains("b holds a NaN or an infinity, and \(path) is not written") == true)
        #expect(try walker.read(path: path).tensors["a"]?.floats == [1, 2])
    }

    /// Files of other tools say no kind: whether these will do is for the reader to decide.
    @Test func foreignFiles() throws {
        let file = TensorFile(tensors: tensors, metadata: ["format": "pt"])
        #expect(try walker.contents(of: file, path: "x") == nil)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Safetensors.write(file, to: path)
        #expect(failure { _ = try walker.read(path: path) }?.kind == .incompatible)
    }

    @Test func missingMetadata() throws {
        let file = walker.file(tensors, metadata: ["hl.step": "many", "hl.walker": "{"], training: nil)
        let contents = try #require(try walker.contents(of: file, path: "x"))
        for body in [
            { _ = try contents.text("hl.none") }, { _ = try contents.json("hl.none") },
            { _ = try contents.integer("hl.none") }, { _ = try contents.json("hl.walker") },
            { _ = try contents.integer("hl.step") },
        ] as [() throws -> Void] {
            #expect(failure(body)?.kind == .data)
        }
        #expect(
            failure { _ = try contents.text("hl.none") }
                == Failure(.data, "x does not say its hl.none", "name a file that hl-train walker wrote"))
    }
}
