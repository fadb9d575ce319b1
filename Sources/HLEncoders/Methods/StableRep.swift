import HLCompute
import HLNet
import HLTensor

/// StableRep (Tian et al. 2023; google-research/syn-rep-learn) on SimCLR's network: all views of a sample, which a generator
/// makes of one source, are positives of each other, those of other samples negatives. No labels take part, as they do in
/// SupCon (Khosla et al. 2020), whose loss it is.
///
/// Each view is a batch of its own for batch norm, as in StableRep's code. Head, factor and settings are those of `SimCLR`
/// here, so that the two differ in their positives and that batch norm: StableRep trains a ViT, with a head of three layers
/// and AdamW.
package final class StableRep: EncoderMethod {
    package let backbone: ResNet
    package let objective: MultiPositiveLoss
    /// Views of a sample, its anchor and the positives.
    package let views: Int
    private let head: ContrastiveHead

    package var passesPerStep: Int { views }

    /// - Parameters:
    ///   - dimension: length of the embeddings.
    ///   - views: at least 2.
    ///   - headNorm: batch norm in the head, as `SimCLR` has it.
    package init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 128, views: Int, headNorm: Bool = true,
        objective: MultiPositiveLoss = MultiPositiveLoss(temperature: 0.1, isScaled: true)
    ) {
        self.backbone = backbone
        self.objective = objective
        self.views = views
        head = ContrastiveHead(
            backend, features: backbone.featureCount, dimension: dimension, isNormalised: headNorm)
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        try head.forEachState(prefix + "head.", body)
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let e = pass.normaliseRows(head(backbone(images, pass), pass))
        // Every rank computes the whole loss, as it does everything that is small beside the backbone.
        let rows = objective.apply(pass.gatherRows(e, parts: views), views: views, pass)
        return EncoderLoss(rows: rows, factor: objective.factor, projections: e.value)
    }
}

extension StableRep {
    package static let description = MethodDescription(
        name: "stablerep", summary: "all views of a sample are positives of each other, in SimCLR's network",
        source: "Tian et al. 2023, SupCon's loss with a sample's views as its class; settings are those of simclr here",
        // Six images of a caption.
        options: [.positives(default: 5), .temperature(default: 0.1), .headNorm],
        rate: 0.8, floor: 0.001, views: .anchorAndPositives,
        make: {
            StableRep(
                $0.backend, backbone: $0.backbone, views: $0.views, headNorm: $0.values.flag("head-norm"),
                objective: MultiPositiveLoss(temperature: $0.values.number("temperature"), isScaled: true))
        })
}
