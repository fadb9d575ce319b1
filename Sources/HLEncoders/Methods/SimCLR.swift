import HLCompute
import HLNet
import HLTensor

/// SimCLR (Chen et al. 2020) as COP-Gen runs it: both views in one forward pass, a head Linear–ReLU–Linear that keeps the
/// backbone's width (2048–2048–128 for ResNet-50), unit-length embeddings, InfoNCE over all 2N rows times τ/0.07.
///
/// COP-Gen's head has no batch norm. With the head of SimCLR's own code, which has one behind each Linear, embeddings are
/// centred from the first step on, where COP-Gen's start on a plateau on which all point the same way. Once off it, COP-Gen's
/// may well learn faster.
package final class SimCLR: EncoderMethod {
    package let backbone: ResNet
    package let passesPerStep = 1
    package let objective: InfoNCELoss
    private let head: ContrastiveHead

    /// - Parameters:
    ///   - dimension: length of the embeddings.
    ///   - headNorm: batch norm in the head, as SimCLR's own code has it (the last without affine part).
    package init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 128, headNorm: Bool = false,
        objective: InfoNCELoss = InfoNCELoss(temperature: 0.1, isScaled: true)
    ) {
        self.backbone = backbone
        self.objective = objective
        head = ContrastiveHead(
            backend, features: backbone.featureCount, dimension: dimension, isNormalised: headNorm)
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        try head.forEachState(prefix + "head.", body)
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let e = pass.normaliseRows(head(backbone(images, pass), pass))
        return EncoderLoss(rows: objective.apply(e, pass), factor: objective.factor, projections: e.value)
    }
}

extension SimCLR {
    /// COP-Gen's rate of 0.03 is meant for a hundred epochs; in runs of minutes it learns next to nothing.
    package static let description = MethodDescription(
        name: "simclr", summary: "InfoNCE over all embeddings of a batch",
        source: "Chen et al. 2020 as COP-Gen runs it, but for a rate that is meant for runs of minutes",
        options: [.temperature(default: 0.1), .headNorm],
        // The cosine ends at COP-Gen's 0.1³.
        rate: 0.8, floor: 0.001, weighsPairs: true,
        make: {
            SimCLR(
                $0.backend, backbone: $0.backbone, headNorm: $0.values.flag("head-norm"),
                objective: InfoNCELoss(temperature: $0.values.number("temperature"), isScaled: true))
        })
}
