import HLCompute
import HLFormats
import HLTensor

/// The layers of backbones as ONNX operations; values have the names of the layers whose they are.
extension ONNXGraph {
    /// Without bias.
    mutating func convolution(_ x: String, _ layer: String, _ window: Window, groups: Int = 1) -> String {
        node("Conv", [x, layer + ".weight"], as: layer, Self.attributes(window) + [("group", .integer(groups))])
    }

    /// By running statistics.
    mutating func norm(_ x: String, _ layer: String, epsilon: Float = 1e-5) -> String {
        let state = ["weight", "bias", "running_mean", "running_var"].map { "\(layer).\($0)" }
        return node("BatchNormalization", [x] + state, as: layer, [("epsilon", .float(epsilon))])
    }

    mutating func relu(_ x: String) -> String { node("Relu", [x], as: x + ".relu") }

    /// min(max(x, 0), 6)
    mutating func relu6(_ x: String) -> String {
        let limits = [("zero", 0), ("six", 6)].map { (name: "relu6.\($0)", value: Float($1)) }
        for limit in limits where !hasWeight(limit.name) {
            weight(limit.name, HostTensor([limit.value], shape: []))
        }
        return node("Clip", [x] + limits.map(\.name), as: x + ".relu6")
    }

    mutating func add(_ a: String, _ b: String, _ layer: String) -> String { node("Add", [a, b], as: layer + ".add") }

    mutating func maxPool(_ x: String, _ window: Window) -> String {
        node("MaxPool", [x], as: "maxpool", Self.attributes(window))
    }

    /// Means over positions, [B, C].
    mutating func mean(_ x: String, _ layer: String) -> String {
        let pooled = node("GlobalAveragePool", [x], as: layer + ".pooled")
        return node("Flatten", [pooled], as: layer + ".mean", [("axis", .integer(1))])
    }

    private static func attributes(_ window: Window) -> [(String, Attribute)] {
        let (before, behind) = (window.padding, window.padding + window.trailing)
        return [
            ("kernel_shape", .integers([window.size, window.size])),
            ("strides", .integers([window.stride, window.stride])),
            ("pads", .integers([before, before, behind, behind])),
        ]
    }
}
