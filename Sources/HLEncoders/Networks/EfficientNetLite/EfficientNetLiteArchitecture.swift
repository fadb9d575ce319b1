import HLCompute
import HLFormats
import HLTensor

/// EfficientNet-Lite0 of some width, in one of the two forms in which it is published, with or without its classifier.
package struct EfficientNetLiteArchitecture: BackboneArchitecture {
    package let variant: EfficientNetLite.Variant
    /// Channels of the stem; 32 as published.
    package let width: Int
    /// Classes of the classifier, nil without one.
    package let classes: Int?

    /// Channels stay whole numbers for multiples of 4.
    static let widths = 4...256
    /// Beyond any classifier; a number in a file must not be memory that is asked for.
    static let classCounts = 1...1 << 20

    /// - Throws: `Failure` (usage) for a width or a number of classes that none has.
    package init(
        _ variant: EfficientNetLite.Variant = .tensorFlow, width: Int = EfficientNetLite.publishedWidth,
        classes: Int? = nil
    ) throws {
        guard Self.widths.contains(width), width % 4 == 0 else {
            throw Failure(.usage, "an EfficientNet-Lite of width \(width)", "choose a multiple of 4 up to 256")
        }
        if let classes, !Self.classCounts.contains(classes) {
            throw Failure(
                .usage, "an EfficientNet-Lite for \(classes) classes",
                "choose from \(Self.classCounts.lowerBound) to \(Self.classCounts.upperBound)")
        }
        self.variant = variant
        self.width = width
        self.classes = classes
    }

    package var layers: [(name: String, length: Int)] {
        let stages = EfficientNetLite.stages(width: width)
        return stages.indices.compactMap { index in
            EfficientNetLite.endpoints[index].map { ($0, stages[index].channels) }
        }
            + [(EfficientNetLite.main, EfficientNetLite.headChannels(width: width))]
            + (classes.map { [(EfficientNetLite.logits, $0)] } ?? [])
    }
    package var mainLayer: String { EfficientNetLite.main }

    // MARK: What it says of itself

    package var name: String { variant.rawValue }
    package var identity: JSONObject {
        var object: JSONObject = ["arch": .string(name), "width": .integer(Int64(width))]
        object["classes"] = classes.map { .integer(Int64($0)) }
        return object
    }
    package var normalisation: Normalisation { variant == .tensorFlow ? .symmetric : .imageNet }
    package var side: Int { 256 }
    package var microBatch: Int { 4 }
    package var supervision: String? { classes.map { "labels of \($0) classes" } }
    package var parts: [String] { ["conv_stem.", "bn1.", "blocks.", "conv_head.", "bn2."] }

    package func makeBackbone(on backend: any Backend) -> any Backbone {
        EfficientNetLite(backend, variant, width: width, classes: classes)
    }
}
