import HLCompute
import HLNet

extension StyleGAN2: LayerSubstituting {
    func substituted(_ z: Variable, _ layers: [Int], into anchors: Tensor, _ pass: Pass) -> Variable {
        let width = mapping.width
        let whole = mapping.forward(z, pass)
        let isTruncated = { (layer: Int) in self.mapping.isTruncating && self.mapping.truncatedLayers[layer] }
        var w = Variable(clearing(layers, of: anchors))
        for (source, chosen) in [
            (whole, layers.filter { !isTruncated($0) }),
            (layers.contains(where: isTruncated) ? mapping.truncated(whole, pass) : whole, layers.filter(isTruncated)),
        ] where !chosen.isEmpty {
            w = pass.addingColumns(source, to: w, at: chosen.map { $0 * width })
        }
        return w
    }

    /// w [B, layers · width] with zeros in the chosen layers.
    private func clearing(_ layers: [Int], of w: Tensor) -> Tensor {
        let width = mapping.width, result = backend.constant(0, shape: w.shape)
        for layer in 0..<w.shape[1] / width where !layers.contains(layer) {
            let columns = layer * width..<(layer + 1) * width
            backend.addColumns(backend.columns(w, columns), into: result, at: columns.lowerBound)
        }
        return result
    }
}
