import HLTensor
import OperationCases
import TestSupport
import Testing

/// Whether both sides compute the same numbers, before anything is built on them.
struct FormulaTests {
    @Test func hash() {
        #expect(Formula.fnv1a("") == 0x811C_9DC5)
        #expect(Formula.fnv1a("a") == 0xE40C_292C)
        #expect(Formula.fnv1a("foobar") == 0xBF9C_F968)
    }

    @Test func firstValues() throws {
        let fixture = try NetTests.fixture("formula")
        func check(_ name: String, _ tensor: HostTensor) throws {
            #expect(Array(tensor.floats.prefix(16)) == (try fixture.tensor(name)).floats, "\(name)")
        }
        try check("uniform.conv1.weight", HostTensor(Formula.uniform("conv1.weight", 16), shape: [16]))
        try check("conv1.weight", Formula.backboneState("conv1.weight", [64, 3, 7, 7], lastNorm: "bn2"))
        for leaf in ["weight", "bias", "running_mean", "running_var"] {
            let name = "layer1.0.bn2.\(leaf)"
            try check(name, Formula.backboneState(name, [64], lastNorm: "bn2"))
        }
        try check("predictor.3.bias", Formula.state("predictor.3.bias", [2048], ofNorm: false))
    }

    @Test func image() throws {
        let second = Formula.images("image.0", "scene.0", 4, 56).rows(1..<2).reshaped([3, 56, 56])
        let expected = try NetTests.fixture("formula").tensor("image.0")
        for channel in 0..<3 {
            let row = second.rows(channel..<(channel + 1)).reshaped([56, 56]).rows(3..<4).floats
            #expect(Array(row[7..<21]) == expected.rows(channel..<(channel + 1)).floats)
        }
    }
}
