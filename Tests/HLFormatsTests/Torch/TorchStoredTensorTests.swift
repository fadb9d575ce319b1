import Foundation
import HLFormats
import HLTensor
import Testing

/// Tensors that are read from their file when they are asked for.
@Suite struct TorchStoredTensorTests {
    @Test func viewsOfTheSameElements() throws {
        let tensor = try StoredTensor((0..<24).map(Float.init), shape: [1, 2, 3, 4])
        #expect(try tensor.float32().floats == (0..<24).map(Float.init))
        let inner = try #require(tensor.droppingDimensions(1))
        #expect(inner.shape == [2, 3, 4])
        let turned = try #require(inner.transposed([2, 0, 1]))
        #expect(turned.shape == [4, 2, 3])
        let expected = (0..<4).flatMap { last in [0, 4, 8, 12, 16, 20].map { Float($0 + last) } }
        #expect(try turned.float32().floats == expected)
        #expect(try turned.transposed([1, 2, 0])?.float32().floats == (0..<24).map(Float.init))
        #expect(tensor.droppingDimensions(2) == nil && tensor.droppingDimensions(5) == nil)
        #expect(inner.transposed([0, 1]) == nil && inner.transposed([0, 1, 1]) == nil)
        #expect(inner.transposed([1, 2, 3]) == nil && inner.transposed([-1, 0, 1]) == nil)
        #expect(try StoredTensor([7], shape: []).float32().floats == [7])
        #expect(try StoredTensor([], shape: [0, 3]).float32().floats == [])
    }

    @Test(arguments: ["types_zip.pt", "types_legacy.pt"])
    func everyTypeAndStrideAsFloat32(file: String) throws {
        guard case .pickle(let value) = try ModelFile.open(path: TorchFixtures.path(file)) else {
            Issue.record("\(file) was taken for something else")
            return
        }
        let expected = try TorchFixtures.expectation("types")
        let found = try collectedTensors(of: value)
        try checkTensors(found)
        #expect(found.map(\.name) == expected.map(\.name))
        for ((name, tensor), expected) in zip(found, expected) {
            // Twice: the pages that were let go come back.
            for _ in 0..<2 { #expect(try tensor.float32().floats == expected.values.map(Float.init), "\(name)") }
        }
    }

    @Test func safetensorsOfEveryType() throws {
        let path = NSTemporaryDirectory() + "hl-\(UUID()).bin"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var tensors: NamedTensors = [
            "values": HostTensor([Float(1), -2, 3, 4, 5, 6], shape: [2, 3]),
            "scalar": HostTensor([Float(9)], shape: []),
            "empty": HostTensor([Float](), shape: [0, 5]), "integers": HostTensor([Int64(-7), 1 << 40], shape: [2]),
        ]
        tensors["half"] = HostTensor(.f16, shape: [2]) { $0.copyBytes(from: [0x00, 0x3C, 0x00, 0xC0]) }
        tensors["brain"] = HostTensor(.bf16, shape: [2]) { $0.copyBytes(from: [0x80, 0x3F, 0x20, 0xC0]) }
        tensors["truth"] = HostTensor(.bool, shape: [3]) { $0.copyBytes(from: [0, 1, 1]) }
        try Safetensors.write(TensorFile(tensors: tensors, metadata: ["key": "value"]), to: path)
        guard case .safetensors(let found, let metadata) = try ModelFile.open(path: path) else {
            Issue.record("safetensors were taken for something else")
            return
        }
        #expect(metadata == ["key": "value"])
        #expect(found.map(\.name).sorted() == tensors.names.sorted())
        for (name, tensor) in found {
            let expected = try #require(tensors[name])
            #expect(tensor.shape == expected.shape && tensor.type == expected.type, "\(name)")
            #expect(try tensor.float32().floats == (try convertedToFloat32(expected).floats), "\(name)")
        }
    }

    /// The same storage under many names is more than a file can hold.
    @Test func repeatedElementsAreBounded() throws {
        let tensor = try StoredTensor([Float](repeating: 1, count: 1 << 20), shape: [1 << 20])
        try checkTensors((0..<60).map { ("\($0)", tensor) })
        #expect(throws: Failure.self) { try checkTensors((0..<100).map { ("\($0)", tensor) }) }
        #expect(throws: Failure.self) { try checkTensors([("twin", tensor), ("twin", tensor)]) }
    }

    @Test func namesSayWhereTensorsLie() throws {
        let value = try TorchFile.read(path: TorchFixtures.path("module_zip.pt"))
        #expect(try collectedTensors(of: value).map(\.name).contains("nn_walker.module.walker.0.weight"))
    }
}
