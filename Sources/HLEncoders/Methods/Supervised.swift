import HLCompute
import HLNet
import HLTensor

/// Plain classification: a linear layer on the backbone and cross-entropy against the labels. The ceiling that
/// self-supervised encoders are compared with.
package final class Supervised: EncoderMethod {
    package let backbone: ResNet
    package let passesPerStep = 1
    package let viewsPerSample = 1
    package let classes: Int
    private let classifier: Linear

    package init(_ backend: any Backend, backbone: ResNet, classes: Int) {
        self.backbone = backbone
        self.classes = classes
        classifier = Linear(backend, backbone.featureCount, classes)
    }

    /// The classifier is torchvision's `fc`.
    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        try classifier.forEachState(prefix + "fc.", body)
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let features = backbone(images, pass)
        let rows = CrossEntropyLoss.apply(classifier(features, pass), labels: labels, pass)
        return EncoderLoss(rows: rows, factor: 1, projections: features.value)
    }
}
