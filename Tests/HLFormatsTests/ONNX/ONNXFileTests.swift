import Foundation
import HLFormats
import HLTensor
import Testing

@Suite struct ONNXFileTests {
    /// The bytes that the onnx package writes of the same graph.
    @Test func bytesAreThoseOfTheOnnxPackage() throws {
        var graph = ONNXGraph(
            "small", inputs: [.init("images", .f32, [.named("batch"), .length(1), .length(2), .length(2)])])
        let pads = ONNXGraph.Attribute.integers([0, 1, 0, 300])
        let convolved = graph.node("Conv", ["images", "w"], as: "conv", [("group", .integer(1)), ("pads", pads)])
        let active = graph.node("LeakyRelu", [convolved], as: "act", [("alpha", .float(0.25))])
        #expect(graph.missing == ["w"])
        graph.weight("w", HostTensor([1.5, -2, 0.5, 4] as [Float], shape: [1, 1, 2, 2]))
        let sides = graph.weight("sides", HostTensor([-1, 302] as [Int64], shape: [2]))
        let features = graph.node("Reshape", [active, sides], as: "features", [("allowzero", .integer(0))])
        #expect(graph.missing.isEmpty)
        graph.result(.init(features, .f32, [.named("batch"), .length(302)]))

        let fixtures = FixtureFolder("onnx")
        try fixtures.withFile([]) { path in
            try ONNXFile.write(
                graph, producer: ("maker", "1"), description: "Schön.", metadata: ["b": "two", "a": "1"], to: path)
            #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == fixtures.contents("small.onnx"))
        }
    }
}
