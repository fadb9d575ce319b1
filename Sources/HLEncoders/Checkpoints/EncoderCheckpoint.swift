import Glibc
import HLCompute
import HLFormats
import HLNet
import HLTensor

/// The file of a trained encoder: safetensors with the backbone under torchvision's names behind `backbone.`, whatever
/// heads the training method has beside it, and in the metadata what they are and how they came about.
package enum EncoderCheckpoint {
    static let envelope = Checkpoint(kind: "encoder", version: "1", writtenBy: "hl-train encoder")
    /// What stands before torchvision's names.
    package static let prefix = "backbone."

    /// The file's contents.
    /// - Parameters:
    ///   - state: of the whole method, `backbone.…` and heads.
    ///   - training: the settings of hl-train.
    ///   - history: of the stream that was trained on, with the training itself last.
    package static func file(
        _ description: EncoderDescription, state: [(name: String, tensor: HostTensor)], training: JSONValue? = nil,
        history: [HistoryEntry] = []
    ) -> TensorFile {
        envelope.file(
            NamedTensors(state.map { ($0.name, $0.tensor) }), metadata: ["hl.encoder": description.json.text],
            training: training, history: history)
    }

    /// A backbone's weights under torchvision's names, and what network they belong to.
    struct Contents {
        let description: EncoderDescription
        let tensors: NamedTensors
    }

    /// Reads an encoder file, a state dict of torchvision or SimSiam, or safetensors with torchvision's names; which of
    /// them, its bytes say.
    /// - Parameters: `side` and `crop` override what the file says; for foreign files they are 128 and 112 unless given.
    /// - Throws: `Failure`: noInput, data for a damaged file, incompatible for one that holds something else.
    static func read(path: String, side: Int?, crop: Int?) throws -> Contents {
        guard path != "-" else {
            throw Failure(.usage, "an encoder cannot come from stdin", "name its file")
        }
        let start = try firstBytes(of: path)
        if start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            throw Failure(.incompatible, "\(path) is a stream, not an encoder", "name a file that hl-train wrote")
        }
        // The length of a safetensors header may begin like a pickle; its JSON settles which it is.
        let isSafetensors = start.count > 8 && start[8] == UInt8(ascii: "{") && start[4...7].allSatisfy { $0 == 0 }
        if !isSafetensors,
            start.starts(with: Array("PK".utf8)) || start.first == 0x80 && start.count > 1 && start[1] < 6
        {
            let tensors = try stateDictionary(of: TorchFile.read(path: path))
            return try foreign(NamedTensors(tensors.map { ($0.name, $0.tensor) }), path, side, crop)
        }
        guard isSafetensors else {
            throw Failure(
                .data, "\(path) is neither safetensors nor a file of torch.save",
                "name an encoder of hl-train or a ResNet's state dict")
        }
        let file = try Safetensors.read(path: path)
        guard let own = try envelope.contents(of: file, path: path) else {
            return try foreign(file.tensors, path, side, crop)
        }
        let stored = try EncoderDescription(json: own.json("hl.encoder"), name: path)
        let description = try EncoderDescription(
            architecture: stored.architecture, width: stored.width, stem: stored.stem, side: side ?? stored.side,
            crop: crop ?? (side == nil ? stored.crop : nil))
        return Contents(description: description, tensors: part(prefix, of: own.tensors))
    }

    /// Prefixes that the backbone of a published checkpoint stands behind, the first that fits taken.
    private static let foreignPrefixes = [
        "", "module.", "module.encoder.", "module.backbone.", "module.encoder_q.", "encoder.", "backbone.", "model.",
    ]

    private static func foreign(
        _ tensors: NamedTensors, _ path: String, _ side: Int?, _ crop: Int?
    ) throws -> Contents {
        let mark = "layer1.0.conv1.weight"
        let candidates = tensors.names.filter { $0.hasSuffix(mark) }.map { String($0.dropLast(mark.count)) }
        guard let first = candidates.first else {
            throw Failure(
                .incompatible, "\(path) holds no ResNet: no tensor is named \(mark)",
                "name an encoder of hl-train or a ResNet's state dict with torchvision's names")
        }
        let prefix = foreignPrefixes.first { candidates.contains($0) } ?? first
        let backbone = part(prefix, of: tensors)
        let description = try EncoderDescription.inferred(side: side, crop: crop, name: path) {
            backbone[$0]?.shape
        }
        return Contents(description: description, tensors: backbone)
    }

    private static func part(_ prefix: String, of tensors: NamedTensors) -> NamedTensors {
        NamedTensors(
            tensors.compactMap { name, tensor in
                name.hasPrefix(prefix) ? (String(name.dropFirst(prefix.count)), tensor) : nil
            })
    }

    private static func firstBytes(of path: String) throws -> [UInt8] {
        let source = try FileDescriptorSource(path: path)
        let buffer = HostBuffer(count: 9)
        return Array(buffer.bytes[..<(try source.read(into: buffer.bytes))])
    }
}

extension ResNet {
    /// Loads weights under torchvision's names. A classifier (`fc.…`) and the heads of other methods are left out.
    /// - Throws: `Failure` (data) for a missing tensor, one of another shape, or one that this network has no place for.
    func load(_ tensors: NamedTensors, from path: String, on backend: any Backend) throws {
        var known: Set<String> = []
        do {
            try load(on: backend) { name in
                known.insert(name)
                guard let tensor = tensors[name] else { return nil }
                if name.hasSuffix("num_batches_tracked") { return tensor }
                guard tensor.type == .f64 || tensor.type == .f16 || tensor.type == .bf16 else { return tensor }
                return convertedToFloat32(tensor)
            }
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
        let parts = ["conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4."]
        let surplus = tensors.names.first { name in
            !known.contains(name) && parts.contains { name.hasPrefix($0) }
        }
        if let surplus {
            throw Failure(
                .data, "\(path): \(architecture.rawValue) has no place for \(surplus)",
                "use the file of a plain \(architecture.rawValue)")
        }
    }
}
