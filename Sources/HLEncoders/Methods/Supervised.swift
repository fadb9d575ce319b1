import HLCompute
import HLNet
import HLTensor

/// Plain classification: a linear layer on the backbone and cross-entropy against the labels. The ceiling that
/// self-supervised encoders are compared with.
package final class Supervised: EncoderMethod {
    package let backbone: ResNet
    package let passesPerStep = 1
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

    package func check(labels: [Int64]) throws {
        if let label = labels.first(where: { !(0..<Int64(classes)).contains($0) }) {
            throw Failure(
                .data, "a sample has the label \(label)",
                label < 0 ? "labels count from 0" : "give --classes more than the highest label")
        }
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let features = backbone(images, pass)
        let rows = CrossEntropyLoss.apply(classifier(features, pass), labels: labels, pass)
        return EncoderLoss(rows: rows, factor: 1, projections: features.value)
    }
}

extension Supervised {
    package static let description = MethodDescription(
        name: "supervised", summary: "cross-entropy against labels on view 0 alone, for the ceiling",
        source: "settings for runs of minutes",
        options: [
            MethodOption(
                "classes", "classes of the labels, which count from 0", .integers(from: 2, to: 1_048_576),
                default: .integer(10))
        ],
        rate: 0.8, views: .anchor, needsLabels: true,
        make: { Supervised($0.backend, backbone: $0.backbone, classes: $0.values.integer("classes")) })
}
