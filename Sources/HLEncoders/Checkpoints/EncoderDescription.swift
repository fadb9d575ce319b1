import HLFormats
import HLTensor

/// Which network an encoder file holds, and at what size it looks at images.
package struct EncoderDescription: Sendable, Equatable {
    package let architecture: ResNet.Architecture
    /// Channels of the first stage; torchvision's is 64.
    package let width: Int
    package let stem: ResNet.Stem
    /// Side of the images that the encoder was trained on, in pixels.
    package let side: Int
    /// Side of the crops that the network sees, in pixels; at most `side`.
    package let crop: Int

    /// Length of an embedding.
    package var featureCount: Int { width * 8 * architecture.expansion }

    /// - Parameter crop: nil takes T_x's 7/8 of `side`.
    /// - Throws: `Failure` (usage) for sizes that no network of this kind has.
    package init(
        architecture: ResNet.Architecture = .resnet18, width: Int = 64, stem: ResNet.Stem = .imagenet,
        side: Int = 128, crop: Int? = nil
    ) throws {
        let crop = crop ?? Augmentation.cropSize(renderSide: side)
        guard Self.widths.contains(width) else {
            throw Failure(
                .usage, "an encoder of width \(width)",
                "choose a width between \(Self.widths.lowerBound) and \(Self.widths.upperBound)")
        }
        guard Self.sides.contains(side), (1...side).contains(crop) else {
            throw Failure(
                .usage, "images of side \(side) cropped to \(crop)",
                "choose a side between \(Self.sides.lowerBound) and \(Self.sides.upperBound), and a crop within it")
        }
        self.architecture = architecture
        self.width = width
        self.stem = stem
        self.side = side
        self.crop = crop
    }

    static let widths = 1...1024
    /// Sides of images that an encoder can be made for, in pixels.
    package static let sides = 8...4096

    /// What an encoder is told apart by: network and sizes.
    package var identity: JSONObject {
        [
            "arch": .string(architecture.rawValue), "width": .integer(Int64(width)), "stem": .string(stem.rawValue),
            "side": .integer(Int64(side)), "crop": .integer(Int64(crop)),
        ]
    }

    /// Metadata `hl.encoder` of an encoder file: also what is done to images from 0 to 1, so that others can do the same.
    package var json: JSONValue {
        var object = identity
        for (key, value) in Self.preparation.members { object[key] = value }
        return .object(object)
    }

    /// How the central part of an image of another size becomes the crop, and what is taken off its channels R, G and B
    /// and what they are divided by then.
    private static var preparation: JSONObject {
        [
            "resize": "bilinear", "mean": .array(Augmentation.imageNetMean.map { .float($0) }),
            "std": .array(Augmentation.imageNetDeviation.map { .float($0) }),
        ]
    }

    /// - Parameter name: of the file, for messages.
    /// - Throws: `Failure`: incompatible for an architecture or stem that this version does not know, data for anything
    ///   else that `json` does not write.
    package init(json: JSONValue, name: String) throws {
        func text(_ key: String) throws -> String {
            guard let value = json[key]?.string else {
                throw Failure(
                    .data, "hl.encoder of \(name) gives no '\(key)'", "take a file that hl-train wrote")
            }
            return value
        }
        func size(_ key: String) throws -> Int {
            guard let value = json[key]?.integer, let size = Int(exactly: value) else {
                throw Failure(
                    .data, "hl.encoder of \(name) gives no '\(key)'", "take a file that hl-train wrote")
            }
            return size
        }
        let (arch, stemName) = (try text("arch"), try text("stem"))
        guard let architecture = ResNet.Architecture(rawValue: arch), let stem = ResNet.Stem(rawValue: stemName) else {
            throw Failure(
                .incompatible, "\(name) holds a \(arch) with the stem \(stemName), which this version does not know",
                "use the release that wrote it")
        }
        for (key, value) in Self.preparation.members where json[key] ?? value != value {
            throw Failure(
                .incompatible,
                "\(name) has another '\(key)' for its images (\(json[key]?.text ?? "")) than this version",
                "use the release that wrote it")
        }
        do {
            try self.init(
                architecture: architecture, width: try size("width"), stem: stem, side: try size("side"),
                crop: try size("crop"))
        } catch let failure as Failure where failure.kind == .usage {
            throw Failure(.data, "\(name) claims to hold \(failure.what)", "take a file that hl-train wrote")
        }
    }

    /// The network that a state dict with torchvision's names holds, by its names and shapes.
    /// - Parameters:
    ///   - shape: the shape of a tensor, nil where there is none of that name.
    ///   - side: nil takes 128.
    ///   - crop: nil takes 7/8 of the side.
    ///   - name: of the file, for messages.
    /// - Throws: `Failure` (incompatible) for another network, `usage` for an impossible side or crop.
    static func inferred(
        side: Int?, crop: Int?, name: String, shape: (String) -> [Int]?
    ) throws -> EncoderDescription {
        try checkParts(name: name, shape: shape)
        guard let conv1 = shape("conv1.weight"), conv1.count == 4, conv1[1] == 3, widths.contains(conv1[0]) else {
            throw Failure(
                .incompatible, "conv1.weight of \(name) is \(shape("conv1.weight").map { "\($0)" } ?? "missing")",
                "take the weights of a ResNet in torchvision's layout, for images of three channels")
        }
        let stem: ResNet.Stem
        switch (conv1[2], conv1[3]) {
        case (7, 7): stem = .imagenet
        case (3, 3): stem = .cifar
        default:
            throw Failure(
                .incompatible, "conv1.weight of \(name) is \(conv1)", "take a ResNet whose first kernel is 7x7 or 3x3")
        }
        let blocks = (1...4).map { stage in
            (0...).prefix { $0 < 256 && shape("layer\(stage).\($0).conv1.weight") != nil }.count
        }
        let hasBottlenecks = shape("layer1.0.conv3.weight") != nil
        let known = ResNet.Architecture.allCases.first {
            $0.blocks == blocks && $0.hasBottlenecks == hasBottlenecks
        }
        guard let architecture = known else {
            let counts = blocks.map(String.init).joined(separator: "-")
            let title = otherDepths[counts].map { hasBottlenecks ? " (\($0))" : "" } ?? ""
            throw Failure(
                .incompatible,
                "\(name) holds a ResNet of \(counts) \(hasBottlenecks ? "bottleneck" : "basic") blocks\(title)",
                plainNetworks)
        }
        try checkBlocks(width: conv1[0], hasBottlenecks: hasBottlenecks, name: name, shape: shape)
        return try EncoderDescription(
            architecture: architecture, width: conv1[0], stem: stem, side: side ?? 128, crop: crop)
    }

    // MARK: Other networks of the family

    private static let otherDepths = ["3-4-23-3": "ResNet-101", "3-8-36-3": "ResNet-152", "2-2-2-2": "ResNet-26"]

    private static var plainNetworks: String {
        "take one of \(ResNet.Architecture.allCases.map(\.rawValue).joined(separator: ", "))"
    }

    /// Names a file that holds a part of a network only, or one with another stem.
    private static func checkParts(name: String, shape: (String) -> [Int]?) throws {
        if shape("conv1.weight") == nil, shape("conv1.0.weight") != nil {
            throw Failure(
                .incompatible, "\(name) holds a ResNet with several convolutions in its stem (ResNet-C or -D)",
                plainNetworks)
        }
        let parts = ["conv1"] + (1...4).map { "layer\($0)" }
        let missing = parts.filter { part in
            ["\(part).weight", "\(part).0.conv1.weight"].allSatisfy { shape($0) == nil }
        }
        guard !missing.isEmpty else { return }
        let part = shard(inName: name).map { "\($0) of" } ?? "a part of"
        throw Failure(
            .incompatible, "\(name) holds \(part) a ResNet, without its \(missing.joined(separator: ", "))",
            "join the parts in Python and save them as one file")
    }

    /// Names grouped and wide networks, whose tensors have the names of plain ones.
    private static func checkBlocks(
        width: Int, hasBottlenecks: Bool, name: String, shape: (String) -> [Int]?
    ) throws {
        // The 3 x 3 convolution of the first block.
        guard let kernel = shape("layer1.0.conv\(hasBottlenecks ? 2 : 1).weight"), kernel.count == 4, kernel[1] > 0
        else {
            return
        }
        let inputs = hasBottlenecks ? shape("layer1.0.conv1.weight")?.first ?? kernel[1] : width
        var what: String?
        if kernel[1] < inputs {
            what = "a grouped ResNet (ResNeXt), whose convolutions have \(inputs / kernel[1]) groups"
        } else if kernel[0] != width {
            what = "a wide ResNet, whose blocks have \(kernel[0]) channels behind a stem of \(width)"
        }
        if let what { throw Failure(.incompatible, "\(name) holds \(what)", plainNetworks) }
    }
}
