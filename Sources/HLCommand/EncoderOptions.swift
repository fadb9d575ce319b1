import ArgumentParser
import HLCompute
import HLEncoders
import HLTensor

/// Which encoder turns images into embeddings.
package struct EncoderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Encoder of hl-train, or a ResNet or EfficientNet-Lite0 of others: torch.save or .safetensors with the names of "
                + "its public code. (path)",
            valueName: "file"), completion: .file())
    package var encoder: String?

    @Option(
        help: ArgumentHelp(
            "Which of several networks in a file of others: what stands before its names, such as teacher. (name)",
            valueName: "name"))
    package var part: String?

    @Flag(help: "Use the network that hl-train with these settings and this seed starts from.")
    package var untrained = false

    @Option(
        help: ArgumentHelp(
            "Use the network that the training of this encoder started from, or would have without --init. (path)",
            valueName: "file"), completion: .file())
    package var untrainedOf: String?

    @Option(
        help: ArgumentHelp(
            "Backbone: with --untrained, and for files that do not tell. "
                + "(\(Backbones.names.joined(separator: ", ")); default: resnet18)", valueName: "name"),
        completion: .list(Backbones.names), transform: { try architecture($0) })
    package var arch: String?

    @Option(
        help: ArgumentHelp(
            "Layers whose means over positions are the features, joined by +. (layer1 to layer4 of a ResNet; head, "
                + "reduction_1 to reduction_5 or logits of an EfficientNet-Lite0; default: layer4, head)",
            valueName: "names"))
    package var layer: String?

    @Option(
        help: ArgumentHelp(
            "With --untrained: channels of the first stage. (integer from 1 to 1024; default: 64)", valueName: "n"))
    package var width: Int?

    @Option(
        help: ArgumentHelp("With --untrained: first layers. (imagenet or cifar; default: imagenet)", valueName: "name"),
        completion: .list(ResNet.Stem.allCases.map(\.rawValue)), transform: { try choice($0, or: "there is no stem") })
    package var stem: ResNet.Stem?

    @Option(
        help: ArgumentHelp(
            "Side of the images that the encoder expects, in pixels. (integer from 8 to 4096; default: the encoder's "
                + "own, for ResNets of others 128, for EfficientNet-Lite0 256, with --untrained 64)", valueName: "n"))
    package var side: Int?

    @Option(
        help: ArgumentHelp(
            "Side of the central crop that it sees. (integer up to the side; default: the encoder's own, else 7/8 of "
                + "the side)", valueName: "n"))
    package var crop: Int?

    @Option(
        help: ArgumentHelp("Library for the layers. (\(BackendChoice.list); default: auto)", valueName: "name"),
        completion: .list(BackendChoice.allValueStrings), transform: BackendChoice.parsed)
    package var backend: BackendChoice?

    package init() {}

    package func validate() throws {
        let given = [("--encoder", encoder != nil), ("--untrained", untrained), ("--untrained-of", untrainedOf != nil)]
            .filter(\.1).map(\.0)
        if given.count > 1 {
            throw Failure(.usage, "\(given[0]) contradicts \(given[1])", "give one of them")
        }
        if !untrained && (width != nil || stem != nil) {
            throw Failure(
                .usage, "--width and --stem are for --untrained; an encoder file says them itself",
                "leave them out or give --untrained")
        }
        if !isGiven && (arch != nil || layer != nil) {
            throw Failure(.usage, "--arch and --layer are for an encoder", "give --encoder or --untrained too")
        }
        if part != nil && encoder == nil {
            throw Failure(.usage, "--part is for the file of --encoder", "give --encoder too, or leave it out")
        }
        if !isGiven && (side != nil || crop != nil) {
            throw Failure(.usage, "--side and --crop are for an encoder", "give --encoder or --untrained too")
        }
        // Sizes are refused before anything is read.
        if untrained { _ = try description() }
    }

    /// Whether an encoder was asked for.
    package var isGiven: Bool { encoder != nil || untrained || untrainedOf != nil }

    /// For messages and reports.
    package var name: String { encoder ?? untrainedOf.map { "untrained of \($0)" } ?? "untrained" }

    package func makeBackend(_ shared: SharedOptions) throws -> any Backend {
        try BackendOnDemand(backend ?? .automatic, threads: shared.threads)()
    }

    /// - Throws: `Failure` for a file that is missing, damaged or no encoder.
    package func makeEncoder(seed: UInt64, on backend: any Backend) throws -> Encoder {
        if let path = encoder {
            let choice = EncoderChoice(side: side, crop: crop, part: part, architecture: arch, layer: layer)
            let encoder = try Encoder.load(path: path, choice, backend: backend)
            if let remark = encoder.remark { warn(remark) }
            return encoder
        }
        if let path = untrainedOf {
            return try Encoder.untrained(
                likeThatOf: path, EncoderChoice(side: side, crop: crop, architecture: arch, layer: layer),
                backend: backend)
        }
        return Encoder.untrained(try description(), seed: seed, backend: backend)
    }

    private func description() throws -> EncoderDescription {
        guard let depth = ResNet.Architecture(rawValue: arch ?? ResNet.Architecture.resnet18.rawValue) else {
            let names = ResNet.Architecture.allCases.map(\.rawValue)
            throw Failure(
                .usage, "hl-train starts from no \(arch ?? "")", "choose one of \(names.joined(separator: ", "))")
        }
        return try EncoderDescription(
            architecture: depth, width: width ?? 64, stem: stem ?? .imagenet, side: side ?? 64, crop: crop,
            layer: layer)
    }
}

private func architecture(_ text: String) throws -> String {
    guard Backbones.names.contains(text) else {
        throw Failure(
            .usage, "there is no backbone '\(text)'", "choose one of \(Backbones.names.joined(separator: ", "))")
    }
    return text
}

extension Encoder {
    /// Warns when images of this shape have to be resized for the encoder.
    /// - Parameter areCrops: whether they are crops already.
    package func warnAboutSize(of shape: [Int], areCrops: Bool = false) {
        if areCrops {
            if shape.count == 4 && shape[2] != description.crop {
                warn("the crops have \(shape[2]) pixels and are resized to the encoder's \(description.crop)")
            }
            return
        }
        guard shape.count == 4, !fits(height: shape[2], width: shape[3]) else { return }
        warn(
            "the images are \(shape[2]) x \(shape[3]) pixels and the encoder expects \(description.side): "
                + "their centres are resized to \(description.crop)")
    }
}
