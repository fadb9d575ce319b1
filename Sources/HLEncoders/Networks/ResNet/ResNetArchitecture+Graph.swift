import HLCompute
import HLFormats

extension ResNetArchitecture {
    package func append(to graph: inout ONNXGraph, of images: String, side: Int, layers wanted: [String]) -> [String] {
        let isLarge = stem == .imagenet
        let window = isLarge ? Window(size: 7, stride: 2, padding: 3) : Window(size: 3, padding: 1)
        var x = graph.convolution(images, "conv1", window)
        x = graph.relu(graph.norm(x, "bn1"))
        if isLarge { x = graph.maxPool(x, Window(size: 3, stride: 2, padding: 1)) }
        var result: [String] = []
        var channels = width
        for (stage, layer) in layers.enumerated() where result.count < wanted.count {
            for index in 0..<depth.blocks[stage] {
                let stride = stage > 0 && index == 0 ? 2 : 1
                x = block(
                    "\(layer.name).\(index)", of: x, stride: stride, isEven: stride == 1 && channels == layer.length,
                    &graph)
                channels = layer.length
            }
            if wanted.contains(layer.name) { result.append(graph.mean(x, layer.name)) }
        }
        return result
    }

    /// - Parameter isEven: whether the shortcut is the input itself.
    private func block(
        _ name: String, of x: String, stride: Int, isEven: Bool, _ graph: inout ONNXGraph
    ) -> String {
        let windows =
            depth.hasBottlenecks
            ? [Window(size: 1), Window(size: 3, stride: stride, padding: 1), Window(size: 1)]
            : [Window(size: 3, stride: stride, padding: 1), Window(size: 3, padding: 1)]
        var y = x
        for (index, window) in windows.enumerated() {
            if index > 0 { y = graph.relu(y) }
            y = graph.convolution(y, "\(name).conv\(index + 1)", window)
            y = graph.norm(y, "\(name).bn\(index + 1)")
        }
        var shortcut = x
        if !isEven {
            shortcut = graph.convolution(x, "\(name).downsample.0", Window(size: 1, stride: stride))
            shortcut = graph.norm(shortcut, "\(name).downsample.1")
        }
        return graph.relu(graph.add(y, shortcut, name))
    }
}
