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

    /// Metadata `hl.encoder` of an encoder file.
    package var json: JSONValue {
        [
            "arch": .string(architecture.rawValue), "width": .integer(Int64(width)), "stem": .string(stem.rawValue),
            "side": .integer(Int64(side)), "crop": .integer(Int64(crop)),
        ]
    }

    /// - Parameter name: of the file, for messages.
    /// - Throws: `Failure`: incompatible for an architecture or stem that this version does not know, data for anything
    ///   else that `json` does not write.
    package init(json: JSONValue, name: String) throws {
        func text(_ key: String) throws -> String {
            guard let value = json[key]?.string else {
                throw Failure(
                    .data, "hl.encoder of \(name) gives no '\(key)'", "take a file that hl-train encoder wrote")
            }
            return value
        }
        func size(_ key: String) throws -> Int {
            guard let value = json[key]?.integer, let size = Int(exactly: value) else {
                throw Failure(
                    .data, "hl.encoder of \(name) gives no '\(key)'", "take a file that hl-train encoder wrote")
            }
            return size
        }
        let (arch, stemName) = (try text("arch"), try text("stem"))
        guard let architecture = ResNet.Architecture(rawValue: arch), let stem = ResNet.Stem(rawValue: stemName) else {
            throw Failure(
                .incompatible, "\(name) holds a \(arch) with the stem \(stemName), which this version does not know",
                "use the release that wrote it")
        }
        do {
            try self.init(
                architecture: architecture, width: try size("width"), stem: stem, side: try size("side"),
                crop: try size("crop"))
        } catch let failure as Failure where failure.kind == .usage {
            throw Failure(.data, "\(name) claims to hold \(failure.what)", "take a file that hl-train encoder wrote")
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
        guard let conv1 = shape("conv1.weight"), conv1.count == 4, conv1[1] == 3, widths.contains(conv1[0]) else {
            throw Failure(
                .incompatible, "conv1.weight of \(name) is \(shape("conv1.weight").map { "\($0)" } ?? "missing")",
                "take the weights of a ResNet in torchvision's layout")
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
            throw Failure(
                .incompatible,
                "\(name) holds a ResNet of \(counts) \(hasBottlenecks ? "bottleneck" : "basic") blocks",
                "take one of \(ResNet.Architecture.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return try EncoderDescription(
            architecture: architecture, width: conv1[0], stem: stem, side: side ?? 128, crop: crop)
    }
}
