import HLCompute
import HLNet

/// A backbone and the head behind it, [B, 3, H, W] → [B, d]: what a momentum encoder is a slow copy of.
package final class EmbeddingNetwork: Module {
    package let backbone: ResNet
    package let shape: MLPHead.Shape
    /// What the head's state is named by.
    package let headName: String
    private let head: MLPHead

    package init(_ backend: any Backend, backbone: ResNet, headName: String, _ shape: MLPHead.Shape) {
        self.backbone = backbone
        self.headName = headName
        self.shape = shape
        head = MLPHead(backend, shape)
    }

    /// Another network of this architecture, with weights of its own.
    package func sibling(on backend: any Backend) -> EmbeddingNetwork {
        EmbeddingNetwork(
            backend,
            backbone: ResNet(backend, backbone.architecture, width: backbone.width, stem: backbone.stem),
            headName: headName, shape)
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        try head.forEachState("\(prefix)\(headName).", body)
    }

    package func callAsFunction(_ images: Variable, _ pass: Pass) -> Variable { head(backbone(images, pass), pass) }
}
