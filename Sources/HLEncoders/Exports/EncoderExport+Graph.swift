import HLFormats
import HLTensor

extension EncoderExport {
    /// The encoder as a graph: images F32 [batch, 3, crop, crop] from 0 to 1 → normalisation, network, means over positions
    /// → features [batch, featureCount], and of these the classifier's scores [batch, classes] where there is one. Weights have the names that they have here.
    func graph() throws -> ONNXGraph {
        let description = encoder.description, architecture = description.architecture, side = description.crop
        var graph = ONNXGraph(
            architecture.name,
            inputs: [.init("images", .f32, [.named("batch"), .length(3), .length(side), .length(side)])])
        func row(_ name: String, _ values: [Float]) -> String {
            graph.weight("normalisation.\(name)", HostTensor(values, shape: [1, 3, 1, 1]))
        }
        let normalisation = architecture.normalisation
        let centred = graph.node("Sub", ["images", row("mean", normalisation.mean)], as: "centred")
        let normal = graph.node("Div", [centred, row("std", normalisation.deviation)], as: "normalised")
        let parts = architecture.append(to: &graph, of: normal, side: side, layers: description.layers)
        let features = graph.node("Concat", parts, as: "features", [("axis", .integer(1))])
        graph.result(.init(features, .f32, [.named("batch"), .length(description.featureCount)]))
        if let classifier {
            let input =
                classifier.takesUnitLength
                ? graph.node("LpNormalization", [features], as: "unit", [("axis", .integer(1)), ("p", .integer(2))])
                : features
            let layer = [("fc.weight", classifier.weight), ("fc.bias", classifier.bias)].map { graph.weight($0, $1) }
            let scores = graph.node("Gemm", [input] + layer, as: "scores", [("transB", .integer(1))])
            graph.result(.init(scores, .f32, [.named("batch"), .length(classifier.classes)]))
        }
        // Those of layers behind the last one that is asked for stay away.
        let wanted = graph.missing
        for (name, tensor) in try encoder.backbone.state(on: encoder.backend) where wanted.contains(name) {
            graph.weight(name, tensor)
        }
        return graph
    }
}
