import HLCompute
import HLFormats
import HLTensor

/// ResNets as torchvision has them, of any width and with either stem.
struct ResNetFamily: BackboneFamily {
    let title = "ResNet"
    var names: [String] { ResNet.Architecture.allCases.map(\.rawValue) }

    func architecture(_ metadata: EncoderMetadata) throws -> any BackboneArchitecture {
        let (arch, stemName) = (try metadata.text("arch"), try metadata.text("stem"))
        guard let depth = ResNet.Architecture(rawValue: arch), let stem = ResNet.Stem(rawValue: stemName) else {
            throw Failure(
                .incompatible,
                "\(metadata.file) holds a \(arch) with the stem \(stemName), which this version does not know",
                "use the release that wrote it")
        }
        return try ResNetArchitecture(depth, width: try metadata.size("width"), stem: stem)
    }

    func inferred(
        named wanted: String?, file: String, shape: (String) -> [Int]?
    ) throws -> any BackboneArchitecture {
        try Self.checkParts(name: file, shape: shape)
        guard let conv1 = shape("conv1.weight"), conv1.count == 4, conv1[1] == 3,
            ResNetArchitecture.widths.contains(conv1[0])
        else {
            throw Failure(
                .incompatible, "conv1.weight of \(file) is \(shape("conv1.weight").map { "\($0)" } ?? "missing")",
                "take the weights of a ResNet in torchvision's layout, for images of three channels")
        }
        let stem: ResNet.Stem
        switch (conv1[2], conv1[3]) {
        case (7, 7): stem = .imagenet
        case (3, 3): stem = .cifar
        default:
            throw Failure(
                .incompatible, "conv1.weight of \(file) is \(conv1)", "take a ResNet whose first kernel is 7x7 or 3x3")
        }
        let blocks = (1...4).map { stage in
            (0...).prefix { $0 < 256 && shape("layer\(stage).\($0).conv1.weight") != nil }.count
        }
        let hasBottlenecks = shape("layer1.0.conv3.weight") != nil
        let known = ResNet.Architecture.allCases.first {
            $0.blocks == blocks && $0.hasBottlenecks == hasBottlenecks
        }
        guard let depth = known else {
            let counts = blocks.map(String.init).joined(separator: "-")
            let title = Self.otherDepths[counts].map { hasBottlenecks ? " (\($0))" : "" } ?? ""
            throw Failure(
                .incompatible,
                "\(file) holds a ResNet of \(counts) \(hasBottlenecks ? "bottleneck" : "basic") blocks\(title)",
                Self.plainNetworks)
        }
        try Self.checkBlocks(width: conv1[0], hasBottlenecks: hasBottlenecks, name: file, shape: shape)
        return try ResNetArchitecture(depth, width: conv1[0], stem: stem)
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
