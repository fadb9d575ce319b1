import HLCompute
import HLNet
import HLTensor

/// Plain classification: a linear layer on the backbone and cross-entropy against the labels. The ceiling that
/// self-supervised encoders are compared with.
public final class Supervised: EncoderMethod {
    public let backbone: ResNet
    public let passesPerStep = 1
    public let viewsPerSample = 1
    public let classes: Int
    private let classifier: Linear

    public init(_ backend: any Backend, backbone: ResNet, classes: Int) {
        self.backbone = backbone
        self.classes = classes
        classifier = Linear(backend, backbone.featureCount, classes)
    }

    /// The classifier is torchvision's `fc`.
    public func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        try classifier.forEachState(prefix + "fc.", body)
    }

    public func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let features = backbone(images, pass)
        let rows = CrossEntropyLoss.apply(classifier(features, pass), labels: labels, pass)
        return EncoderLoss(rows: rows, factor: 1, projections: features.value)
    }
}
