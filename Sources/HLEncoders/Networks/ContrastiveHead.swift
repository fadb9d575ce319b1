import HLCompute
import HLNet

/// The head of SimCLR, [B, F] → [B, d], Linear–(batch norm–)ReLU–Linear(–batch norm), which keeps the backbone's width: of
/// COP-Gen's code without batch norm, of SimCLR's own with one behind each Linear, the last without affine part.
package final class ContrastiveHead: Module {
    private let layers: [Linear]
    /// One behind each Linear, or none.
    private let norms: [BatchNorm]

    package init(_ backend: any Backend, features: Int, dimension: Int, isNormalised: Bool) {
        layers = [Linear(backend, features, features), Linear(backend, features, dimension)]
        norms = isNormalised ? [BatchNorm(backend, features), BatchNorm(backend, dimension, affine: false)] : []
    }

    /// State is named as in a torch.nn.Sequential of these.
    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        let stride = norms.isEmpty ? 2 : 3
        for (index, layer) in layers.enumerated() { try layer.forEachState("\(prefix)\(index * stride).", body) }
        for (index, norm) in norms.enumerated() { try norm.forEachState("\(prefix)\(index * stride + 1).", body) }
    }

    package func callAsFunction(_ features: Variable, _ pass: Pass) -> Variable {
        let hidden = layers[0](features, pass)
        guard norms.count == 2 else { return layers[1](pass.relu(hidden), pass) }
        return norms[1](layers[1](norms[0](hidden, relu: true, pass), pass), pass)
    }
}
