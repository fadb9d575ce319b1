import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct TensorBoardEventsTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    /// The bytes that TensorBoard 2's own RecordWriter makes of the same events.
    @Test func bytesAreThoseOfTensorBoard() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let events = try TensorBoardEvents(folder: folder, resumingAfter: 300) { 1_700_000_000.5 }
        try events.add([("loss", 0.25), ("eval/knn", -3)], step: 310)
        try events.add([], step: 320)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: events.path))
        #expect(
            bytes.map { String(format: "%02x", $0) }.joined()
                == "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b35311010000000000000009"
                + "5fbfe180900002040fc54d94110ad023a020801596f3f792c00000000000000f4aecc450900002040fc54d94110b6022a"
                + "1e0a0b0a046c6f7373150000803e0a0f0a086576616c2f6b6e6e15000040c01d0bf0f1")
        #expect(URL(fileURLWithPath: events.path).lastPathComponent.hasPrefix("events.out.tfevents.1700000000."))
    }

    /// What a run that was killed left in the folder is out of sight for one that begins anew.
    @Test func everyStartTakesTheStepsBehindIt() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let events = try TensorBoardEvents(folder: folder, resumingAfter: 0) { 1_700_000_000.5 }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: events.path))
        let text = bytes.map { String(format: "%02x", $0) }.joined()
        // Step 1, and the start of a session.
        #expect(text.contains("10013a020801"))
    }

    @Test func aFolderThatCannotBe() throws {
        #expect(failure { _ = try TensorBoardEvents(folder: "/proc/nowhere", resumingAfter: 0) }?.kind == .cannotCreate)
        let file = folder + ".txt"
        try Data().write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(failure { _ = try TensorBoardEvents(folder: file, resumingAfter: 0) }?.kind == .cannotCreate)
    }
}
