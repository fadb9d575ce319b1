import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    /// A file with this header text, and `length` bytes of data.
    private func file(_ header: String, data length: Int = 0) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8)
            + [UInt8](repeating: 7, count: length)
    }

    private func decode(_ bytes: [UInt8]) throws -> TensorFile {
        try Safetensors.decode(StreamFixtures.buffer(bytes), name: "x.safetensors")
    }

    private func bytes(_ file: TensorFile) -> [UInt8] {
        var bytes: [UInt8] = []
        Safetensors.encode(file).forEachPiece { bytes.append(contentsOf: $0) }
        return bytes
    }

    @Test func ranksAreBounded() throws {
        func header(_ rank: Int) -> [UInt8] {
            let ones = Array(repeating: "1", count: rank).joined(separator: ",")
            return file(#"{"a":{"dtype":"U8","shape":[\#(ones)],"data_offsets":[0,1]}}"#, data: 1)
        }
        #expect(try decode(header(64)).tensors["a"]?.shape.count == 64)
        let refusal = failure { _ = try decode(header(65)) }
        #expect(refusal?.kind == .data && refusal?.what.contains("65 dimensions") == true)
    }

    @Test func readsWhatTheLibraryWrote() throws {
        let file = try Safetensors.read(path: StreamFixtures.path("library.safetensors"))
        #expect(
            file.metadata == ["format": "np", "note": "a \"quote\", a \\ and a\nline; ünïcode 😀"])
        #expect(file.tensors.count == 9)
        let latents = try #require(file.tensors["z.0"])
        #expect(latents.shape == [5, 2, 3])
        #expect(latents.floats == (0..<30).map { Float($0) / 4 - 3 })
        #expect(file.tensors["id"]?.integers == [0, 1, 2, 3, 4])
        #expect(file.tensors["x.0"]?.withUnsafeBytes(Array.init) == Array(0..<60))
        #expect(file.tensors["scalar"]?.shape == [])
        #expect(file.tensors["scalar"]?.floats == [2.5])
        #expect(file.tensors["empty"]?.shape == [0, 4])
        #expect(file.tensors["half"]?.type == .f16)
        #expect(file.tensors["flag"]?.withUnsafeBytes(Array.init) == [1, 0, 1])
        #expect(file.tensors["größe \"quoted\""]?.type == .i32)
    }

    @Test func writesWhatTheLibraryWouldRead() throws {
        // Padding to 8 is the library's own, so the lengths agree.
        let original = try Safetensors.read(path: StreamFixtures.path("library.safetensors"))
        let written = bytes(original)
        #expect(written.count == (try StreamFixtures.bytes(StreamFixtures.path("library.safetensors"))).count)
        let again = try decode(written)
        #expect(again.metadata == original.metadata)
        for (name, tensor) in original.tensors {
            let other = try #require(again.tensors[name])
            #expect(other.type == tensor.type && other.shape == tensor.shape)
            #expect(other.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init))
        }
        #expect((Int(written[0]) | Int(written[1]) << 8) % 8 == 0)
    }

    @Test func bytesDoNotDependOnTheOrderOfInsertion() {
        let a = HostTensor([1, 2] as [Float], shape: [2])
        let b = HostTensor([3] as [Int64], shape: [1])
        let c = HostTensor(.u8, shape: [3]) { $0.copyBytes(from: [1, 2, 3]) }
        let first = TensorFile(tensors: ["a": a, "b": b, "c": c], metadata: ["k": "1", "j": "2"])
        let second = TensorFile(tensors: ["c": c, "b": b, "a": a], metadata: ["j": "2", "k": "1"])
        #expect(bytes(first) == bytes(second))
        #expect(Safetensors.encode(first).tensors.map(\.type) == [.i64, .f32, .u8])
        #expect(Safetensors.encode(first).byteCount == bytes(first).count)
    }

    @Test func emptyFile() throws {
        #expect(bytes(TensorFile()) == file("{}      "))
        #expect(try decode(file("{}")).tensors.isEmpty)
    }

    @Test(arguments: [
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,  // shape and place disagree
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,  // past the end
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,  // bytes left over
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,  // a hole before
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,4]}}"#,  // bytes left over, whatever the type
        #"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,16]}}"#, #"{"a":{"dtype":"F31","data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
        #"{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#,
        #"{"a":[],"b":1}"#,
        #"{"a":{"dtype":"U8","shape":[4611686018427387904,8],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,0],"data_offsets":[0,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-9223372036854775808,9223372036854775807]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#,
        #"{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"__metadata__":"x","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #" {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"[]"#, "", "{", "{}",
    ])
    func refuses(_ header: String) {
        expectFailure(.data, "x.safetensors") { _ = try decode(file(header, data: 8)) }
    }

    /// Types of later versions of the format: what nobody asks for does not stand in the way, and is not forgotten.
    @Test func typesThatAreNotRead() throws {
        let header =
            #"{"__metadata__":null,"a":{"dtype":"F4","shape":[6],"data_offsets":[0,3]},"#
            + #""c":{"dtype":"C64","shape":[1],"data_offsets":[7,15]},"z":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}}"#
        let read = try decode(file(header, data: 15))
        #expect(read.tensors.names == ["c", "z"] && read.unread == ["a": "F4"] && read.metadata.isEmpty)
        #expect(read.tensors["c"]?.type == .c64 && read.tensors["z"]?.shape == [1])
        try StreamFixtures.inFolder { folder in
            let path = folder + "/weights"
            try OutputFile.write(file(header, data: 15), to: path)
            guard case .safetensors(let found, _) = try ModelFile.open(path: path) else {
                Issue.record("safetensors were taken for something else")
                return
            }
            #expect(found.map(\.name) == ["c", "z"])
        }
    }

    @Test func otherFilesAreNamed() throws {
        try StreamFixtures.inFolder { folder in
            let path = folder + "/w.safetensors"
            try OutputFile.write(Array("<!DOCTYPE html><title>Not found</title>".utf8), to: path)
            expectFailure(.data, "\(path) is a web page (HTML), not a walker") {
                _ = try Safetensors.read(path: path, wanted: "a walker")
            }
        }
    }

    @Test func refusesImpossibleLengths() {
        for length: UInt64 in [.max, 1 << 63, 100_000_001, 1000, 3] {
            let bytes = withUnsafeBytes(of: length.littleEndian, Array.init) + Array("{}".utf8)
            expectFailure(.data) { _ = try decode(bytes) }
        }
        for count in 0..<8 { expectFailure(.data) { _ = try decode([UInt8](repeating: 0, count: count)) } }
    }

    @Test func everyCutIsRefused() throws {
        let whole = try StreamFixtures.bytes(StreamFixtures.path("library.safetensors"))
        for count in whole.indices {
            #expect(throws: Failure.self) { try decode(Array(whole[..<count])) }
        }
    }

    @Test func viewsKeepTheBytesAliveAndSurviveOddOffsets() throws {
        // Unpadded headers put tensors at odd offsets.
        let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        for padding in 0..<8 {
            var bytes = file(header + String(repeating: " ", count: padding))
            withUnsafeBytes(of: (Float(1.5), Float(-2))) { bytes.append(contentsOf: $0) }
            let tensor = try #require(try decode(bytes).tensors["a"])
            #expect(tensor.floats == [1.5, -2])
        }
    }

    @Test func writesAllOrNothing() throws {
        try StreamFixtures.inFolder { folder in
            let path = folder + "/a.safetensors"
            let tensors: NamedTensors = ["a": HostTensor([1, 2, 3] as [Float], shape: [3])]
            try Safetensors.write(TensorFile(tensors: tensors), to: path)
            #expect(try Safetensors.read(path: path).tensors["a"]?.floats == [1, 2, 3])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.safetensors"])
            expectFailure(.noInput) { _ = try Safetensors.read(path: folder + "/b") }
            expectFailure(.noInput, "directory") { _ = try Safetensors.read(path: folder) }
        }
    }

    @Test func namedTensorsKeepTheirOrder() {
        func tensor(_ value: Float) -> HostTensor { HostTensor([value], shape: [1]) }
        var tensors: NamedTensors = ["b": tensor(1), "a": tensor(2), "c": tensor(3)]
        tensors["a"] = tensor(4)
        tensors["b"] = nil
        tensors["d"] = tensor(5)
        tensors.remove("missing")
        #expect(tensors.names == ["a", "c", "d"])
        #expect(tensors.map { $0.tensor.floats[0] } == [4, 3, 5])
        #expect(tensors["c"]?.floats == [3] && tensors["b"] == nil && tensors.count == 3)
    }
}
