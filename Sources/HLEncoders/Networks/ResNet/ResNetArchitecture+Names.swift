import HLTensor

/// ResNets in the code of others.
extension ResNetArchitecture {
    package var ownLibrary: ForeignLibrary { .torchvision }

    package func names(in library: ForeignLibrary, classes: Int?) throws -> ForeignNames {
        guard classes == nil || [.torchvision, .timm].contains(library) else {
            throw Failure(
                .incompatible, "\(library.rawValue) takes backbones without a classifier",
                "leave out --classifier or --names \(library.rawValue)")
        }
        switch library {
        case .torchvision: return ForeignNames(building: inTorchvision(classes))
        case .timm: return ForeignNames(imports: ["timm"], building: inTimm(classes))
        case .lightly:
            // As its examples build it (https://github.com/lightly-ai/lightly/tree/master/examples/pytorch_lightning).
            return ForeignNames(
                building: inTorchvision() + [
                    "model = torch.nn.Sequential(*list(model.children())[:-1], torch.nn.Flatten())"
                ], prefix: "backbone.", key: "state_dict", name: Self.numbered)
        case .soloLearn:
            // Its small stem has a padding of 2, with which the same weights make other features
            // (https://github.com/vturrisi/solo-learn/blob/main/solo/methods/base.py).
            try require(
                stem == .imagenet && width == 64 && depth != .resnet34, library, "ResNet-18 and -50 of width 64")
            return ForeignNames(building: inTorchvision(), prefix: "backbone.", key: "state_dict")
        case .detectron2:
            try require(
                stem == .imagenet && (depth.hasBottlenecks || width == 64), library,
                "ResNet-50, and ResNet-18 and -34 of width 64,")
            return ForeignNames(building: inDetectron2, name: Self.nameInDetectron2)
        }
    }

    private func require(_ holds: Bool, _ library: ForeignLibrary, _ networks: String) throws {
        guard !holds else { return }
        throw Failure(
            .incompatible,
            "\(library.rawValue) has \(networks) with the stem imagenet, not \(name) of width \(width) with the stem "
                + stem.rawValue,
            library == .detectron2
                ? "name a file that ends in .pth or .onnx" : "give other --names, or name a file that ends in .onnx")
    }

    // MARK: torchvision and timm

    private var convolution: String {
        stem == .imagenet
            ? "model.conv1 = torch.nn.Conv2d(3, \(width), 7, stride=2, padding=3, bias=False)"
            : "model.conv1 = torch.nn.Conv2d(3, \(width), 3, padding=1, bias=False)"
    }

    private var withoutPooling: [String] { stem == .cifar ? ["model.maxpool = torch.nn.Identity()"] : [] }

    private var blockName: String { depth.hasBottlenecks ? "Bottleneck" : "BasicBlock" }
    private var counts: String { "[\(depth.blocks.map(String.init).joined(separator: ", "))]" }

    private func inTorchvision(_ classes: Int? = nil) -> [String] {
        let last = classes.map { "torch.nn.Linear(\(layers[3].length), \($0))" } ?? "torch.nn.Identity()"
        let end = withoutPooling + ["model.fc = \(last)"]
        guard width != 64 else {
            return ["model = torchvision.models.\(name)()"] + (stem == .cifar ? [convolution] : []) + end
        }
        return [
            "block, blocks, width = torchvision.models.resnet.\(blockName), \(counts), \(width)",
            "model = torchvision.models.ResNet(block, blocks)", convolution,
            "model.bn1 = torch.nn.BatchNorm2d(width)", "model.inplanes = width",
            "for stage, count in enumerate(blocks):",
            "    layer = model._make_layer(block, width << stage, count, stride=2 if stage else 1)",
            "    setattr(model, f\"layer{stage + 1}\", layer)",
        ] + end
    }

    private func inTimm(_ classes: Int?) -> [String] {
        let count = "num_classes=\(classes ?? 0)"
        guard width != 64 else {
            return ["model = timm.create_model(\"\(name)\", \(count))"]
                + (stem == .cifar ? [convolution] : []) + withoutPooling
        }
        let channels = (0..<4).map { "\(width << $0)" }.joined(separator: ", ")
        return [
            "block, blocks, channels = timm.models.resnet.\(blockName), \(counts), [\(channels)]",
            "model = timm.models.resnet.ResNet(block, blocks, channels=channels, \(count))", convolution,
            "model.bn1 = torch.nn.BatchNorm2d(\(width))",
            "layers, _ = timm.models.resnet.make_blocks(",
            "    [block] * 4, channels, blocks, \(width), act_layer=torch.nn.ReLU, norm_layer=torch.nn.BatchNorm2d)",
            "for name, layer in layers:", "    setattr(model, name, layer)",
        ] + withoutPooling
    }

    // MARK: lightly

    /// The name in `nn.Sequential(*resnet.children())`: convolution, norm, ReLU, pooling, then the stages.
    private static func numbered(_ name: String) -> String {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        let first = ["conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7][parts[0]]
        return "\(first.map(String.init) ?? parts[0]).\(parts[1])"
    }

    // MARK: detectron2

    /// As in its converter (https://github.com/facebookresearch/detectron2/blob/main/tools/convert-torchvision-to-d2.py).
    private static func nameInDetectron2(_ name: String) -> String {
        var result = name.hasPrefix("layer") ? name : "stem." + name
        for stage in 1...4 { result = result.replacing("layer\(stage)", with: "res\(stage + 1)") }
        for index in 1...3 { result = result.replacing("bn\(index)", with: "conv\(index).norm") }
        return result.replacing("downsample.0", with: "shortcut").replacing("downsample.1", with: "shortcut.norm")
    }

    private var inDetectron2: [String] {
        // Pixels are from 0 to 255 there.
        func list(_ values: [Float]) -> String {
            "[\(values.map { "\((Double($0) * 255_000).rounded() / 1000)" }.joined(separator: ", "))]"
        }
        var lines = [
            "MODEL:", "  WEIGHTS: FILE", "  PIXEL_MEAN: \(list(normalisation.mean))",
            "  PIXEL_STD: \(list(normalisation.deviation))", "  RESNETS:",
            "    DEPTH: \(name.dropFirst("resnet".count))",
            "    STRIDE_IN_1X1: False",
        ]
        if !depth.hasBottlenecks { lines.append("    RES2_OUT_CHANNELS: 64") }
        if width != 64 {
            lines += [
                "    STEM_OUT_CHANNELS: \(width)", "    RES2_OUT_CHANNELS: \(width * 4)",
                "    WIDTH_PER_GROUP: \(width)",
            ]
        }
        return lines + ["INPUT:", "  FORMAT: \"RGB\""]
    }
}
