import HLCompute
import HLFormats
import HLTensor

/// The file of a classifier of images: that of its encoder (`EncoderCheckpoint`), which reads as such too, with the linear
/// layer behind it under torchvision's names `fc.weight` and `fc.bias`, and in `hl.classifier` what it is.
package enum ClassifierFile {
    /// - Parameters:
    ///   - names: of the classes, in the order of the layer's rows.
    ///   - about: what else is to be said of how the layer came about.
    ///   - history: of the stream that it was trained on, with the training itself last.
    package static func contents(
        _ encoder: Encoder, _ head: LinearHead, names: [String], about: JSONObject, history: [HistoryEntry]
    ) throws -> TensorFile {
        precondition(names.count == head.classes && head.dimension == encoder.description.featureCount)
        var state = try encoder.backbone.state(on: encoder.backend).map {
            (EncoderCheckpoint.prefix + $0.name, $0.tensor)
        }
        state += [("fc.weight", head.weight), ("fc.bias", head.bias)]
        var classifier = about
        classifier["classes"] = .array(names.map { .string($0) })
        classifier["features"] = head.takesUnitLength ? "unit" : "raw"
        var file = EncoderCheckpoint.file(encoder.description, state: state, history: history)
        file.metadata["hl.classifier"] = JSONValue.object(classifier).text
        return file
    }

    /// Reads an encoder and the linear layer behind it: a file of `contents`, a supervised encoder of hl-train, a ResNet
    /// of others with its `fc`, or a network of others whose last layer makes scores of classes.
    /// - Throws: `Failure`: as `Encoder.load`, and incompatible for an encoder without such a layer.
    package static func read(path: String, on backend: any Backend) throws -> ImageClassifier {
        let contents = try EncoderCheckpoint.read(path: path, EncoderChoice())
        if let (weight, bias) = contents.head {
            let encoder = try Encoder(contents, path: path, on: backend)
            return ImageClassifier(
                encoder, try head(weight, bias, contents, path: path),
                names: contents.classifier?["classes"]?.array?.compactMap(\.string))
        }
        if contents.description.architecture.layers.contains(where: { $0.name == Self.logits }) {
            return ImageClassifier(
                try Encoder.load(path: path, EncoderChoice(layer: Self.logits), backend: backend), nil, names: nil)
        }
        throw missing(path)
    }

    /// The linear layer alone.
    /// - Throws: `Failure`: as `EncoderCheckpoint.read`, and incompatible for an encoder without such a layer.
    package static func head(path: String, _ choice: EncoderChoice) throws -> LinearHead {
        let contents = try EncoderCheckpoint.read(path: path, choice)
        guard let (weight, bias) = contents.head else { throw missing(path) }
        return try head(weight, bias, contents, path: path)
    }

    private static func missing(_ path: String) -> Failure {
        Failure(
            .incompatible, "\(path) has an encoder without a classifier",
            "write one with hl-probe -o, or train one with hl-train --method supervised")
    }

    /// The layer of a backbone whose values are scores of classes.
    private static let logits = "logits"

    private static func head(
        _ weight: StoredTensor, _ bias: StoredTensor, _ contents: EncoderCheckpoint.Contents, path: String
    ) throws -> LinearHead {
        let count = contents.description.featureCount
        guard weight.shape.count == 2, weight.shape[0] > 1, weight.shape[1] == count, bias.shape == [weight.shape[0]]
        else {
            throw Failure(
                .data, "\(path): fc.weight is \(weight.shape) and fc.bias \(bias.shape) behind \(count) features",
                "use the file of one network")
        }
        let (weights, biases) = (try convertedToFloat32(weight.hostTensor()), try convertedToFloat32(bias.hostTensor()))
        for (name, values) in [("fc.weight", weights), ("fc.bias", biases)] where values.firstNonFinite != nil {
            throw Failure.notFinite("\(name) of \(path)", remedy: "use another file: its training has diverged")
        }
        let names = contents.classifier?["classes"]?.array
        guard names.map({ $0.count == weight.shape[0] }) ?? true else {
            throw Failure(
                .data, "\(path) names \(names?.count ?? 0) classes, and its layer has \(weight.shape[0])",
                "write it again with hl-probe -o")
        }
        return LinearHead(
            weight: weights, bias: biases, takesUnitLength: contents.classifier?["features"]?.string == "unit")
    }
}

/// A frozen encoder with a linear layer behind it, which tells the class of an image.
package final class ImageClassifier {
    package let encoder: Encoder
    /// nil where the features are the scores themselves.
    private let head: LinearHead?
    /// Of the classes, where the file has them.
    package let names: [String]?

    init(_ encoder: Encoder, _ head: LinearHead?, names: [String]?) {
        self.encoder = encoder
        self.head = head
        self.names = names
    }

    package var classes: Int { head?.classes ?? encoder.description.featureCount }

    /// The class with the greatest score of every image; of equal ones the first.
    /// - Throws: `Failure`: data for images of another type or shape, or of which the network makes what is no number.
    package func classes(of images: Encoder.Images) throws -> [Int] {
        let features = try encoder.encode(images)
        let scores = try head?.scores(features, on: encoder.backend) ?? features
        return try scores.withUnsafeElements(as: Float.self) { values in
            try (0..<scores.rowCount).map { row in
                guard let label = ProbeScore.greatest(values, row * classes, classes) else {
                    throw Failure(
                        .data, "the classifier makes of an image what is no number",
                        "take another classifier, or find the images that are none")
                }
                return label
            }
        }
    }
}
