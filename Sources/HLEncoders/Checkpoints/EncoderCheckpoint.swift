import HLCompute
import HLFormats
import HLNet
import HLTensor

/// The file of a trained encoder: safetensors with the backbone under torchvision's names behind `backbone.`, whatever
/// heads the training method has beside it, and in the metadata what they are and how they came about.
package enum EncoderCheckpoint {
    static let envelope = Checkpoint(kind: "encoder", version: "1", writtenBy: "hl-train")
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
        let tensors: [String: StoredTensor]
        /// What to tell the user of the choice that was made; nil where there was none.
        let remark: String?
    }

    /// Reads an encoder file, or one that others wrote with a ResNet in it (`ForeignBackbones`); which of them, its bytes
    /// say.
    /// - Parameters:
    ///   - side: overrides what the file says; foreign files say nothing, and have 128.
    ///   - crop: the same; foreign files have 112.
    ///   - part: which of several networks in a foreign file.
    /// - Throws: `Failure`: noInput, data for a damaged file, incompatible for one that holds something else, usage for a
    ///   part that it has not.
    static func read(path: String, side: Int?, crop: Int?, part: String?) throws -> Contents {
        guard path != "-" else {
            throw Failure(.usage, "an encoder cannot come from stdin", "name its file")
        }
        let file = try open(path)
        if case .safetensors(let tensors, let metadata) = file,
            let own = try envelope.contents(of: TensorFile(metadata: metadata), path: path)
        {
            guard part == nil else {
                throw Failure(.usage, "\(path) is an encoder of hl-train, which is one network", "leave out --part")
            }
            let stored = try EncoderDescription(json: own.json("hl.encoder"), name: path)
            let description = try EncoderDescription(
                architecture: stored.architecture, width: stored.width, stem: stored.stem, side: side ?? stored.side,
                crop: crop ?? (side == nil ? stored.crop : nil))
            let backbone = tensors.filter { $0.name.hasPrefix(prefix) }
            return Contents(
                description: description,
                tensors: Dictionary(
                    backbone.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }, uniquingKeysWith: { $1 }),
                remark: nil)
        }
        let found = try ForeignBackbones(tensors(of: file, path), path: path)
        let (backbone, remark) = try found.chosen(part)
        let description = try EncoderDescription.inferred(side: side, crop: crop, name: path) {
            backbone.tensors[$0]?.shape
        }
        return Contents(description: description, tensors: backbone.tensors, remark: remark)
    }

    private static func open(_ path: String) throws -> ModelFile {
        // A stream is in order, and no encoder.
        let form = try PeekingSource(path: path).form
        if form.kind == .zstd {
            throw form.refusal(
                of: path, wanted: "an encoder", remedy: "name a file that hl-train wrote", kind: .incompatible)
        }
        return try ModelFile.open(
            path: path, wanted: "an encoder", remedy: "name an encoder of hl-train or a ResNet's state dict")
    }

    private static func tensors(
        of file: ModelFile, _ path: String
    ) throws -> [(name: String, tensor: StoredTensor)] {
        do {
            return try file.tensors()
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
    }
}

extension ResNet {
    /// Loads weights under torchvision's names. A classifier (`fc.…`) and the heads of other methods are left out.
    /// - Throws: `Failure`: data for a missing tensor, one of another shape, or one that holds what is no number;
    ///   incompatible for one that this network has no place for.
    func load(_ tensors: [String: StoredTensor], from path: String, on backend: any Backend) throws {
        var known: Set<String> = []
        do {
            try checkTensors(tensors.map { ($0.key, $0.value) })
            try load(on: backend) { name in
                known.insert(name)
                guard let tensor = try tensors[name]?.hostTensor() else { return nil }
                if name.hasSuffix("num_batches_tracked") { return tensor }
                let isFloat = [.f32, .f64, .f16, .bf16].contains(tensor.type)
                let values = isFloat ? try convertedToFloat32(tensor) : tensor
                if values.type == .f32 && values.firstNonFinite != nil {
                    throw Failure.notFinite(name, remedy: "use another file: its training has diverged")
                }
                return values
            }
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
        let parts = ["conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4."]
        let surplus = tensors.keys.filter { name in
            !known.contains(name) && parts.contains { name.hasPrefix($0) }
        }.min()
        if let surplus {
            throw Failure(
                .incompatible, "\(path): \(architecture.rawValue) has no place for \(surplus)",
                "use the file of a plain \(architecture.rawValue)")
        }
    }
}
