import Foundation
import HLFormats
import HLTensor
import Testing

/// Files that real PyTorch and NumPy wrote, against the values that they had there.
@Suite struct TorchFileTests {
    @Test(arguments: ["types_zip.pt", "types_legacy.pt"])
    func everyElementTypeAndStride(file: String) throws {
        try expect(stateDictionary(of: TorchFile.read(path: TorchFixtures.path(file))), equals: "types")
    }

    @Test(arguments: ["module_zip.pt", "module_legacy.pt"])
    func pickledModule(file: String) throws {
        let tensors = try stateDictionary(of: TorchFile.read(path: TorchFixtures.path(file)))
        try expect(tensors, equals: "module")
        #expect(tensors.map(\.name).contains("module.walker.1.num_batches_tracked"))
    }

    @Test(arguments: [2, 3, 4, 5])
    func modulesOfStyleGAN2Ada(pickleProtocol: Int) throws {
        let value = try TorchFile.read(path: TorchFixtures.path("ada_\(pickleProtocol).pkl"))
        try expect(stateDictionary(of: value), equals: "ada")
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

    /// Names as in SimSiam's published checkpoints.
    @Test func prefixes() {
        let one = HostTensor([Float(1)], shape: [1])
        let tensors = [("module.encoder.conv1.weight", one), ("module.predictor.0.weight", one)].map {
            (name: $0.0, tensor: $0.1)
        }
        #expect(removingPrefix("module.encoder.", from: tensors).map(\.name) == ["conv1.weight"])
        #expect(removingCommonPrefix(from: tensors).map(\.name) == ["encoder.conv1.weight", "predictor.0.weight"])
        #expect(removingCommonPrefix(from: Array(tensors.prefix(1))).map(\.name) == ["conv1.weight"])
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
        let tensors = try stateDictionary(of: TorchFile.read(path: #require(Self.publishedWalker)))
        #expect(tensors.map(\.name) == (["0.weight", "0.bias", "2.weight", "2.bias"].map { "module.walker.\($0)" }))
        #expect(tensors.map(\.tensor.shape) == [[120, 120], [120], [120, 120], [120]])
        for (tensor, sums) in zip(tensors.map(\.tensor), TorchFixtures.walkerSums) {
            let values = tensor.floats.map(Double.init)
            #expect(abs(values.reduce(0, +) - sums.plain) < 1e-6)
            let weighted = values.enumerated().reduce(0) { $0 + $1.element * Double($1.offset % 97) }
            #expect(abs(weighted - sums.weighted) < 1e-6)
        }
    }

    private func expect(_ tensors: StateDictionary, equals name: String) throws {
        let expected = try TorchFixtures.expectation(name)
        #expect(tensors.map(\.name) == expected.map(\.name))
        for (tensor, expected) in zip(tensors.map(\.tensor), expected) {
            #expect(tensor.type == expected.type, "\(expected.name)")
            #expect(tensor.shape == expected.shape, "\(expected.name)")
            #expect(convertedToFloat32(tensor).floats == expected.values.map(Float.init), "\(expected.name)")
        }
    }
}

@Suite struct ElementConversionTests {
    @Test func halfAndBrainFloats() {
        let bits: [UInt16] = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0xC000, 0x7BFF, 0x7C00, 0xFC00, 0x7E00]
        let half = HostTensor(.f16, shape: [bits.count]) { target in
            bits.withUnsafeBytes { target.copyMemory(from: $0) }
        }
        let values = convertedToFloat32(half).floats
        let expected: [Float] = [0, -0.0, 0x1p-24, 0x3FFp-24, 0x1p-14, 1, -2, 65504, .infinity, -.infinity, .nan]
        #expect(values.map(\.bitPattern).dropLast() == expected.map(\.bitPattern).dropLast())
        #expect(values.last?.isNaN == true)
        let brain = HostTensor(.bf16, shape: [2]) { $0.copyBytes(from: [0x80, 0x3F, 0x20, 0xC0]) }
        #expect(convertedToFloat32(brain).floats == [1, -2.5])
    }

    @Test func integersAndBooleans() {
        #expect(convertedToFloat32(HostTensor([Int64(-3), 1 << 40], shape: [2])).floats == [-3, 0x1p40])
        let truth = HostTensor(.bool, shape: [3]) { $0.copyBytes(from: [0, 1, 255]) }
        #expect(convertedToFloat32(truth).floats == [0, 1, 1])
        let bytes = HostTensor(.i8, shape: [2]) { $0.copyBytes(from: [0x80, 0x7F]) }
        #expect(convertedToFloat32(bytes).floats == [-128, 127])
    }
}
