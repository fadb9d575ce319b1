import HLCompute
import HLNet
import HLTensor

/// SimCLR (Chen et al. 2020) as COP-Gen runs it: both views in one forward pass, a head Linear–ReLU–Linear without batch
/// norm that keeps the backbone's width (2048–2048–128 for ResNet-50), unit-length embeddings, InfoNCE over all 2N rows
/// times τ/0.07.
public final class SimCLR: EncoderMethod {
    public let backbone: ResNet
    public let passesPerStep = 1
    public let objective: InfoNCELoss
    private let head: [Linear]

    /// - Parameter dimension: length of the embeddings.
    public init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 128,
        objective: InfoNCELoss = InfoNCELoss(temperature: 0.1, isScaled: true)
    ) {
        self.backbone = backbone
        self.objective = objective
        head = [
            Linear(backend, backbone.featureCount, backbone.featureCount),
            Linear(backend, backbone.featureCount, dimension),
        ]
    }

    public func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        for (index, layer) in head.enumerated() { try layer.forEachState("\(prefix)head.\(index * 2).", body) }
    }

    public func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let features = backbone(images, pass)
        let e = pass.normaliseRows(head[1](pass.relu(head[0](features, pass)), pass))
        return EncoderLoss(rows: objective.apply(e, pass), factor: objective.factor, projections: e.value)
    }
}
