import Foundation
import TestSupport
import Testing

/// Weights files that attack their reader: refused with one line and status 65, and nothing of them is run.
struct HostileWeightsTests {
    /// A pickle of protocol 2 that runs a command when Python loads it.
    private static func running(_ command: String, stackGlobal: Bool) -> [UInt8] {
        func text(_ value: String) -> [UInt8] { [0x8C, UInt8(value.utf8.count)] + value.utf8 }
        let callee: [UInt8] = stackGlobal ? text("os") + text("system") + [0x93] : Array("cos\nsystem\n".utf8)
        return [0x80, stackGlobal ? 4 : 2] + callee + text(command) + [0x85, 0x52, 0x2E]
    }

    private func refuse(
        _ bytes: [UInt8], saying words: String = "", status: Int32 = 65,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let space = try Workspace()
        try Data(bytes).write(to: URL(fileURLWithPath: space.file("weights")))
        let result = try space.run("hl-sample --weights weights -n 1 --render > out.hls")
        #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.hasPrefix("hl-sample: error: "), sourceLocation: sourceLocation)
        #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(words.isEmpty || result.errors.contains(words), "\(result.errors)", sourceLocation: sourceLocation)
        #expect(!FileManager.default.fileExists(atPath: space.file("owned")), sourceLocation: sourceLocation)
    }

    @Test(arguments: [true, false]) func commandsAreNotRun(_ stackGlobal: Bool) throws {
        try refuse(Self.running("touch owned", stackGlobal: stackGlobal), saying: "os.system")
        // Within what would be a pickle of StyleGAN2: {'G_ema': …}.
        let inner = Self.running("touch owned", stackGlobal: stackGlobal).dropFirst(2).dropLast()
        try refuse([0x80, 4, 0x7D, 0x8C, 5] + Array("G_ema".utf8) + inner + [0x73, 0x2E], saying: "os.system")
    }

    @Test func bombs() throws {
        // A million lists within each other, and each of thirty lists twice in the next.
        try refuse(
            [0x80, 4] + [UInt8](repeating: 0x5D, count: 1_000_000) + [UInt8](repeating: 0x61, count: 999_999) + [0x2E])
        var doubling: [UInt8] = [0x80, 4, 0x5D, 0x94]
        for index in 0..<30 {
            doubling += [0x5D, 0x94, 0x28, 0x68, UInt8(index), 0x68, UInt8(index), 0x65]
        }
        try refuse(doubling + [0x2E])
        // Byte strings of 2^63 and of 2^40 bytes.
        try refuse([0x80, 4, 0x8E] + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x2E])
        try refuse([0x80, 4, 0x8E] + [0, 0, 0, 0, 0, 1, 0, 0, 0x2E])
    }

    /// Official forms, cut off and bent.
    @Test(arguments: [
        "bigbigan_tiny.pth", "bigbigan_tiny_legacy.pth", "stylegan2_c_4.pkl", "bigbigan_tiny.safetensors",
    ])
    func truncation(_ name: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("HLGeneratorsTests/Fixtures/\(name)")
        let bytes = [UInt8](try Data(contentsOf: path))
        for share in [0.1, 0.5, 0.99] { try refuse(Array(bytes[..<Int(Double(bytes.count) * share)])) }
        try refuse([])
    }

    /// A header that claims terabytes, and tensors that overlap.
    @Test func safetensorsOfImpossibleSizes() throws {
        func file(_ json: String, _ data: Int) -> [UInt8] {
            let count = UInt64(json.utf8.count)
            return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + json.utf8
                + [UInt8](repeating: 0, count: data)
        }
        let huge =
            #"{"blocks.0.0.conv1.weight":{"dtype":"F32","shape":[1048576,1048576],"data_offsets":[0,4398046511104]}}"#
        try refuse(file(huge, 16))
        let overlapping =
            #"{"shared.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""linear.weight":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
        try refuse(file(overlapping, 12))
        try refuse([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F] + Array("{}".utf8))
    }
}
