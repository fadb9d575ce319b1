import HLFormats

extension EncoderExport {
    /// What makes use of the file: Python, or for detectron2 a part of its configuration.
    /// - Parameter file: its path.
    package func lines(file: String) -> [String] {
        // Python takes what JSON says of a text.
        let path = JSONValue.string(file).text
        switch form {
        case .onnx: return network(path)
        case .pickle: return (names?.building ?? []).map { $0.replacing("FILE", with: path) }
        case .safetensors, .torch: return stateDict(path)
        }
    }

    private func stateDict(_ path: String) -> [String] {
        guard let names else { return [] }
        var imports = ["torch", "torchvision"] + names.imports
        var loading = "torch.load(\(path), weights_only=True)" + (names.key.map { "[\"\($0)\"]" } ?? "")
        if form == .safetensors {
            imports.append("safetensors.torch")
            loading = "safetensors.torch.load_file(\(path))"
        }
        var lines = imports.sorted().map { "import \($0)" } + [""] + names.building + ["state = \(loading)"]
        if !names.prefix.isEmpty {
            lines.append("state = {name.removeprefix(\"\(names.prefix)\"): value for name, value in state.items()}")
        }
        lines += ["model.load_state_dict(state)"] + names.finishing + ["model.eval()", ""]
        let description = encoder.description
        return lines + [
            classifier.map { "# scores = model(transform(images)), [B, \($0.classes)]" }
                ?? "# features = model(transform(images)), [B, \(description.featureCount)]",
            "# images: RGB from 0 to 1, [B, 3, H, W], the short side \(description.side) pixels",
            "transform = torchvision.transforms.Compose([",
            "    torchvision.transforms.CenterCrop(\(description.crop)),",
            "    torchvision.transforms.Normalize(\(tuple(normalisation.mean)), \(tuple(normalisation.deviation))),",
            "])",
        ]
    }

    private func network(_ path: String) -> [String] {
        let description = encoder.description, side = description.crop
        let running =
            classifier.map {
                "features, scores = session.run([\"features\", \"scores\"], {\"images\": images})"
                    + "  # [B, \(description.featureCount)], [B, \($0.classes)]"
            }
            ?? "features = session.run([\"features\"], {\"images\": images})[0]  # [B, \(description.featureCount)]"
        return [
            "import onnxruntime", "",
            "session = onnxruntime.InferenceSession(\(path))",
            "# images: float32, RGB from 0 to 1, [B, 3, \(side), \(side)], the central \(side) of \(description.side) pixels;"
                + " they are normalised inside",
            running,
        ]
    }

    private var normalisation: Normalisation { encoder.description.architecture.normalisation }

    private func tuple(_ values: [Float]) -> String {
        "(\(values.map { JSONValue.float($0).text }.joined(separator: ", ")))"
    }
}
