import Foundation
import HLFormats
import HLTensor
import Testing

/// Files that real PyTorch and NumPy wrote, against the values that they had there.
@Suite struct TorchFileTests {
    @Test(arguments: ["types_zip.pt", "types_legacy.pt"])
    func everyElementTypeAndStride(file: String) throws {
        try expect(TorchFixtures.tensors(of: TorchFile.read(path: TorchFixtures.path(file))), equals: "types")
    }

    @Test(arguments: ["module_zip.pt", "module_legacy.pt"])
    func pickledModule(file: String) throws {
        let value = try TorchFile.read(path: TorchFixtures.path(file))
        let tensors = try TorchFixtures.tensors(of: value, behind: "nn_walker.")
        try expect(tensors, equals: "module")
        #expect(tensors.map(\.name).contains("module.walker.1.num_batches_tracked"))
    }

    @Test(arguments: [2, 3, 4, 5])
    func modulesOfStyleGAN2Ada(pickleProtocol: Int) throws {
        let value = try TorchFile.read(path: TorchFixtures.path("ada_\(pickleProtocol).pkl"))
        try expect(TorchFixtures.tensors(of: value, behind: "G_ema."), equals: "ada")
        #expect(value["G_ema"]?.object?.name == "Generator")
        let settings = try #require(value["training_set_kwargs"])
        #expect(settings["resolution"]?.integer == 64)
        #expect(settings["scale"]?.number == 0.5)
        #expect(settings["path"]?.isNone == true)
        #expect(settings["deep"]?.elements?.count == 2)
    }

    @Test(arguments: [2, 4, 5])
    func arraysOfTensorFlowNetworks(pickleProtocol: Int) throws {
        let value = try TorchFile.read(path: TorchFixtures.path("tf_\(pickleProtocol).pkl"))
        let network = try #require(value.elements?.last?.object)
        #expect(network.module == "dnnlib.tflib.network" && network.name == "Network")
        #expect(network.attribute("name")?.text == "Gs")
        #expect(network.attribute("scalar")?.number == 0.25)
        let variables = try #require(network.attribute("variables")?.elements).map { pair in
            let parts = try #require(pair.elements)
            return (name: try #require(parts[0].text), tensor: try #require(parts[1].tensor).hostTensor())
        }
        try expect(variables, equals: "tf")
    }

    /// A checkpoint's lists and tuples lead on as its dictionaries do: [[], ({'a': …},)], with an array of NumPy's.
    @Test func listsAndTuples() throws {
        let array = Pickle().global("numpy.core.multiarray", "_reconstruct").op(")", "R", "(", "K", 1, "(", "K", 1, "t")
            .global("numpy", "dtype").text("f4").op(0x85, "R", 0x89).op("C", 4, 0, 0, 0x80, 0x3F, "t", "b")
        let entry = Pickle().op("}").text("a").bytes.dropFirst(2) + array.bytes.dropFirst(2)
        let pickle = Pickle().op("]", "]", "a").op(entry.map(Pickle.Part.byte)).op("s", 0x85, "a", ".")
        let tensors = try TorchFixtures.tensors(of: TorchFile.read(bytes: pickle.bytes))
        #expect(tensors.map(\.name) == ["1.0.a"] && tensors[0].tensor.floats == [1])
    }

    /// A file is as good as what is asked of it: tensors of other types do not stand in the way.
    @Test func typesThatAreNotRead() throws {
        func storage(_ name: String, _ key: String, count: UInt8) -> [Pickle.Part] {
            let id = Pickle().op("(").text("storage").global("torch", name).text(key).text("cpu").op("K", .byte(count))
            return id.op("t", "Q").bytes.dropFirst(2).map(Pickle.Part.byte)
        }
        func tensor(_ pickle: Pickle, _ name: String, _ key: String) -> Pickle {
            pickle.text(key).global("torch._utils", "_rebuild_tensor_v2").op("(").op(storage(name, key, count: 1))
                .op("K", 0, "K", 1, 0x85, "K", 1, 0x85, 0x89, "}", "t", "R", "s")
        }
        let all = [("QInt8Storage", "a"), ("FloatStorage", "b"), ("ComplexDoubleStorage", "c")]
        let pickle = all.reduce(Pickle().op("}")) { tensor($0, $1.0, $1.1) }.op(".").bytes
        let zip = Zip(entries: [
            ("w/data.pkl", pickle), ("w/data/a", [7]), ("w/data/b", [0, 0, 0x80, 0x3F]),
            ("w/data/c", [UInt8](repeating: 0, count: 16)),
        ])
        let tensors = try TorchFixtures.tensors(of: TorchFile.read(bytes: zip.bytes))
        #expect(tensors.map(\.name) == ["b"] && tensors[0].tensor.floats == [1])
    }

    /// Archives that torch.save did not write say what they are and what to do.
    @Test func otherArchives() throws {
        let pickle: [UInt8] = [0x80, 2, 0x7D, 0x2E]
        for (names, words) in [
            (["net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"], "TorchScript"),
            (["arr_0.npy", "z.npy"], ".npz"), (["word/document.xml"], "word/document.xml"),
        ] {
            let zip = Zip(entries: names.map { ($0, pickle) })
            let failure = #expect(throws: Failure.self) { try TorchFile.read(bytes: zip.bytes) }
            #expect(failure?.kind == .data && failure?.what.contains(words) == true)
            #expect(failure?.remedy.isEmpty == false)
        }
    }

    @Test func errorsNameTheFile() {
        #expect { try TorchFile.read(path: "/nonexistent/file.pth") } throws: { error in
            (error as? Failure)?.kind == .noInput && "\(error)".contains("/nonexistent/file.pth")
        }
        let text = TorchFixtures.path("types.txt")
        #expect { try TorchFile.read(path: text) } throws: { error in
            (error as? Failure)?.kind == .data && "\(error)".contains(text)
        }
    }

    static let publishedWalker = TorchFixtures.besidePackage("shared/data/w_COPGen_pretained.pth")

    /// The walker published with COP-Gen. The sums are PyTorch's, in double precision.
    @Test(.enabled(if: publishedWalker != nil, "the published walker is not here"))
    func publishedWalkerOfCOPGen() throws {
        let tensors = try TorchFixtures.tensors(of: TorchFile.read(path: #require(Self.publishedWalker)))
        let leaves = ["0.weight", "0.bias", "2.weight", "2.bias"].map { "module.walker.\($0)" }
        #expect(zip(tensors, leaves).allSatisfy { $0.name.hasSuffix($1) } && tensors.count == leaves.count)
        #expect(tensors.map(\.tensor.shape) == [[120, 120], [120], [120, 120], [120]])
        for (tensor, sums) in zip(tensors.map(\.tensor), TorchFixtures.walkerSums) {
            let values = tensor.floats.map(Double.init)
            #expect(abs(values.reduce(0, +) - sums.plain) < 1e-6)
            let weighted = values.enumerated().reduce(0) { $0 + $1.element * Double($1.offset % 97) }
            #expect(abs(weighted - sums.weighted) < 1e-6)
        }
    }

    private func expect(_ tensors: [(name: String, tensor: HostTensor)], equals name: String) throws {
        let expected = try TorchFixtures.expectation(name)
        #expect(tensors.map(\.name) == expected.map(\.name))
        for (tensor, expected) in zip(tensors.map(\.tensor), expected) {
            #expect(tensor.type == expected.type, "\(expected.name)")
            #expect(tensor.shape == expected.shape, "\(expected.name)")
            #expect(try convertedToFloat32(tensor).floats == expected.values.map(Float.init), "\(expected.name)")
        }
    }
}

@Suite struct ElementConversionTests {
    @Test func halfAndBrainFloats() throws {
        let bits: [UInt16] = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0xC000, 0x7BFF, 0x7C00, 0xFC00, 0x7E00]
        let half = HostTensor(.f16, shape: [bits.count]) { target in
            bits.withUnsafeBytes { target.copyMemory(from: $0) }
        }
        let values = try convertedToFloat32(half).floats
        let expected: [Float] = [0, -0.0, 0x1p-24, 0x3FFp-24, 0x1p-14, 1, -2, 65504, .infinity, -.infinity, .nan]
        #expect(values.map(\.bitPattern).dropLast() == expected.map(\.bitPattern).dropLast())
        #expect(values.last?.isNaN == true)
        let brain = HostTensor(.bf16, shape: [2]) { $0.copyBytes(from: [0x80, 0x3F, 0x20, 0xC0]) }
        #expect(try convertedToFloat32(brain).floats == [1, -2.5])
    }

    @Test func integersAndBooleans() throws {
        #expect(try convertedToFloat32(HostTensor([Int64(-3), 1 << 40], shape: [2])).floats == [-3, 0x1p40])
        let truth = HostTensor(.bool, shape: [3]) { $0.copyBytes(from: [0, 1, 255]) }
        #expect(try convertedToFloat32(truth).floats == [0, 1, 1])
        let bytes = HostTensor(.i8, shape: [2]) { $0.copyBytes(from: [0x80, 0x7F]) }
        #expect(try convertedToFloat32(bytes).floats == [-128, 127])
    }

    /// Values of ml_dtypes 0.5 for these bytes.
    @Test func eighths() throws {
        func values(_ type: ElementType, _ bytes: [UInt8]) throws -> [Float] {
            try convertedToFloat32(HostTensor(type, shape: [bytes.count]) { $0.copyBytes(from: bytes) }).floats
        }
        let e4m3 = try values(.f8e4m3, [0x00, 0x01, 0x07, 0x08, 0x38, 0xB8, 0x7E, 0x7F])
        #expect(e4m3.dropLast() == [0, 0x1p-9, 0x7p-9, 0x1p-6, 1, -1, 448] && e4m3.last?.isNaN == true)
        let e5m2 = try values(.f8e5m2, [0x01, 0x3C, 0xC0, 0x7B, 0x7C])
        #expect(e5m2 == [0x1p-16, 1, -2, 57344, .infinity])
        #expect(try values(.f8e8m0, [0, 127, 130]) == [0x1p-127, 1, 8])
        let complex = HostTensor(.c64, shape: [1]) { $0.copyBytes(from: [UInt8](repeating: 0, count: 8)) }
        let failure = #expect(throws: Failure.self) { try convertedToFloat32(complex, name: "z of latents") }
        #expect(failure?.what.contains("z of latents") == true)
    }
}
