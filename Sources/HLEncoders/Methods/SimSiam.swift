import HLCompute
import HLNet
import HLTensor

/// SimSiam (Chen & He 2021; facebookresearch/simsiam): projector, predictor, stop-gradient.
///
/// Projector: Linear–BN–ReLU, Linear–BN–ReLU, Linear–BN without affine part. The last Linear's bias is frozen, since that
/// batch norm takes it out again. The hidden width is the backbone's feature count, so ResNet-18 has 512. Predictor:
/// Linear–BN–ReLU–Linear through a bottleneck of a quarter of the width.
package final class SimSiam: EncoderMethod {
    package let backbone: ResNet
    package let passesPerStep = 2
    private let projector: [(linear: Linear, norm: BatchNorm)]
    private let predictor: (hidden: Linear, norm: BatchNorm, output: Linear)

    /// - Parameter dimension: length of projections and predictions.
    package init(_ backend: any Backend, backbone: ResNet, dimension: Int = 2048) {
        self.backbone = backbone
        let hidden = backbone.featureCount
        projector = [
            (Linear(backend, hidden, hidden, bias: false), BatchNorm(backend, hidden)),
            (Linear(backend, hidden, hidden, bias: false), BatchNorm(backend, hidden)),
            (Linear(backend, hidden, dimension), BatchNorm(backend, dimension, affine: false)),
        ]
        projector[2].linear.bias?.requiresGradient = false
        predictor = (
            Linear(backend, dimension, dimension / 4, bias: false), BatchNorm(backend, dimension / 4),
            Linear(backend, dimension / 4, dimension)
        )
    }

    /// Names are those of the published code, whose projector is the encoder's `fc`.
    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        for (index, place) in [(0, 0), (1, 3), (2, 6)] {
            try projector[index].linear.forEachState("\(prefix)projector.\(place).", body)
            try projector[index].norm.forEachState("\(prefix)projector.\(place + 1).", body)
        }
        try predictor.hidden.forEachState(prefix + "predictor.0.", body)
        try predictor.norm.forEachState(prefix + "predictor.1.", body)
        try predictor.output.forEachState(prefix + "predictor.3.", body)
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        var z = backbone(images, pass)
        for (index, layer) in projector.enumerated() {
            z = layer.norm(layer.linear(z, pass), relu: index < 2, pass)
        }
        let p = predictor.output(predictor.norm(predictor.hidden(z, pass), relu: true, pass), pass)
        return EncoderLoss(rows: SimSiamLoss.apply(p, z, pass), factor: 1, projections: z.value)
    }
}

extension SimSiam {
    package static let description = MethodDescription(
        name: "simsiam", summary: "projector, predictor and stop-gradient, without negatives",
        source: "Chen & He 2021, with their defaults", rate: 0.05, weighsPairs: true,
        make: { SimSiam($0.backend, backbone: $0.backbone) })
}
