/// Names that the code of others gives to what has other names here.
package enum Foreign {
    /// Of timm's name of a tensor of EfficientNet-Lite0, that of EfficientNet-PyTorch: blocks numbered through, the
    /// classifier `_fc`.
    package static func efficientNetName(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init), rest = parts.dropFirst().joined(separator: ".")
        switch parts[0] {
        case "conv_stem": return "_conv_stem.\(rest)"
        case "conv_head": return "_conv_head.\(rest)"
        case "bn1": return "_bn0.\(rest)"
        case "bn2": return "_bn1.\(rest)"
        case "classifier": return "_fc.\(rest)"
        default: break
        }
        let stage = Int(parts[1]) ?? 0, first = [0, 1, 3, 5, 8, 11, 15][stage]
        let inner =
            stage == 0
            ? ["conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"]
            : [
                "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
                "conv_pwl": "_project_conv", "bn3": "_bn2",
            ]
        return "_blocks.\(first + (Int(parts[2]) ?? 0)).\(inner[parts[3]] ?? "?").\(parts[4])"
    }
}
