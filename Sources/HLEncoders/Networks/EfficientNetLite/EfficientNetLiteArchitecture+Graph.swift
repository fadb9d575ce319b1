import HLCompute
import HLFormats

extension EfficientNetLiteArchitecture {
    package func append(to graph: inout ONNXGraph, of images: String, side: Int, layers wanted: [String]) -> [String] {
        let variant = variant
        var side = side
        var result: [String] = []
        /// Convolution and norm; the side of what comes next is noted.
        func filtered(
            _ x: String, _ layer: String, _ norm: String, size: Int, stride: Int = 1, groups: Int = 1,
            _ graph: inout ONNXGraph
        ) -> String {
            let window = variant.window(size: size, stride: stride, side: side)
            side = window.output(side)
            let y = graph.convolution(x, layer, window, groups: groups)
            return graph.norm(y, norm, epsilon: variant.epsilon)
        }
        var x = graph.relu6(filtered(images, "conv_stem", "bn1", size: 3, stride: 2, &graph))
        var channels = width
        for (index, stage) in EfficientNetLite.stages(width: width).enumerated() where result.count < wanted.count {
            for number in 0..<stage.blocks {
                let block = "blocks.\(index).\(number)", isWide = stage.expansion > 1
                let stride = number == 0 ? stage.stride : 1
                var y = x
                if isWide { y = graph.relu6(filtered(y, "\(block).conv_pw", "\(block).bn1", size: 1, &graph)) }
                y = filtered(
                    y, "\(block).conv_dw", "\(block).bn\(isWide ? 2 : 1)", size: stage.kernel, stride: stride,
                    groups: channels * stage.expansion, &graph)
                y = graph.relu6(y)
                y = filtered(
                    y, "\(block).conv_pw\(isWide ? "l" : "")", "\(block).bn\(isWide ? 3 : 2)", size: 1, &graph)
                x = stride == 1 && channels == stage.channels ? graph.add(y, x, block) : y
                channels = stage.channels
            }
            if let layer = EfficientNetLite.endpoints[index], wanted.contains(layer) {
                result.append(graph.mean(x, layer))
            }
        }
        guard result.count < wanted.count else { return result }
        x = graph.relu6(filtered(x, "conv_head", "bn2", size: 1, &graph))
        let pooled = graph.mean(x, EfficientNetLite.main)
        if wanted.contains(EfficientNetLite.main) { result.append(pooled) }
        if wanted.contains(EfficientNetLite.logits) {
            result.append(
                graph.node(
                    "Gemm", [pooled, "classifier.weight", "classifier.bias"], as: EfficientNetLite.logits,
                    [("transB", .integer(1))]))
        }
        return result
    }
}
