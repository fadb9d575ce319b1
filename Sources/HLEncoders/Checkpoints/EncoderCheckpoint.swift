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

    /// A backbone's weights under its own names, and what network they belong to.
    struct Contents {
        let description: EncoderDescription
        let tensors: [String: StoredTensor]
        /// Weight and bias of a layer that makes scores of classes from the features, where the file has them.
        let head: (weight: StoredTensor, bias: StoredTensor)?
        /// What the file says of that layer.
        let classifier: JSONValue?
        /// Of the training; nil where the file does not say it.
        let seed: UInt64?
        /// Its method's name; nil where the file does not say it.
        let method: String?
        /// What to tell the user of the choice that was made; nil where there was none.
        let remark: String?
    }

    /// Reads an encoder file, or one that others wrote with a backbone in it (`ForeignBackbones`); which of them, its bytes
    /// say.
    /// - Throws: `Failure`: noInput, data for a damaged file, incompatible for one that holds something else, usage for a
    ///   part or layer that it has not.
    static func read(path: String, _ choice: EncoderChoice) throws -> Contents {
        guard path != "-" else {
            throw Failure(.usage, "an encoder cannot come from stdin", "name its file")
        }
        let file = try open(path)
        if case .safetensors(let tensors, let metadata) = file,
            let own = try contents(of: metadata, path: path)
        {
            guard choice.part == nil else {
                throw Failure(.usage, "\(path) is an encoder of hl-train, which is one network", "leave out --part")
            }
            let training = try metadata["hl.training"].map { _ in try own.json("hl.training") }
            let underWay = try trainingUnderWay(own, training)
            let stored = try EncoderDescription(json: underWay?.encoder ?? own.json("hl.encoder"), name: path)
            let description = try EncoderDescription(
                stored.architecture, side: choice.side ?? stored.side,
                crop: choice.crop ?? (choice.side == nil ? stored.crop : nil), layer: choice.layer ?? stored.layer,
                supervision: training?["method"] == "supervised" ? "the labels of its stream" : stored.supervision)
            try check(choice.architecture, description.architecture, path)
            let backbone = tensors.filter { $0.name.hasPrefix(prefix) }
            return Contents(
                description: description,
                tensors: Dictionary(
                    backbone.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }, uniquingKeysWith: { $1 }),
                head: head(in: tensors, behind: ""),
                classifier: try metadata["hl.classifier"].map { _ in try own.json("hl.classifier") },
                seed: training?["seed"]?.seed, method: training?["method"]?.string,
                remark: underWay.map { "\(path) is a training after \($0.step) of \($0.steps) steps" })
        }
        let all = try tensors(of: file, path), found = try ForeignBackbones(all, path: path)
        let (backbone, remark) = try found.chosen(choice.part)
        let stated = try statedDescription(file, path)
        let architecture = try backbone.family.inferred(
            named: backbone.architecture ?? choice.architecture ?? stated?.architecture.name, file: path
        ) { backbone.tensors[$0]?.shape }
        try check(choice.architecture, architecture, path)
        if let stated, stated.architecture.identity != architecture.identity {
            throw Failure(
                .data, "\(path) says that it holds a \(stated.architecture.name) and holds a \(architecture.name)",
                "export it again")
        }
        let description = try EncoderDescription(
            architecture, side: choice.side ?? stated?.side,
            crop: choice.crop ?? (choice.side == nil ? stated?.crop : nil), layer: choice.layer,
            supervision: stated?.supervision)
        let own = backbone.prefix.isEmpty ? "" : backbone.prefix + "."
        return Contents(
            description: description, tensors: backbone.tensors,
            head: head(in: removingWrappers(from: all), behind: own),
            classifier: try words("hl.classifier", of: file, path), seed: nil, method: nil, remark: remark)
    }

    /// - Throws: `Failure` (incompatible) for what is neither an encoder nor a training of one.
    private static func contents(of metadata: [String: String], path: String) throws -> Checkpoint.Contents? {
        let file = TensorFile(metadata: metadata)
        if metadata["hl.kind"] == Checkpoint.stoppedRun.kind,
            let run = try Checkpoint.stoppedRun.contents(of: file, path: path),
            try run.json("hl.training")["stem"] != nil
        {
            return run
        }
        return try envelope.contents(of: file, path: path)
    }

    /// What hl-train keeps of a training under way, to go on from, is an encoder too: its description, and how far it is.
    /// nil for a finished one.
    private static func trainingUnderWay(
        _ file: Checkpoint.Contents, _ training: JSONValue?
    ) throws -> (encoder: JSONValue, step: Int, steps: Int64)? {
        guard file.metadata["hl.kind"] == Checkpoint.stoppedRun.kind else { return nil }
        let side: Int = try file.integer("hl.side")
        guard EncoderDescription.sides.contains(side) else {
            throw Failure(.data, "the training has images of \(side) pixels a side", "take a file that hl-train wrote")
        }
        var encoder: JSONObject = [
            "side": .integer(Int64(side)), "crop": .integer(Int64(Augmentation.cropSize(renderSide: side))),
        ]
        for key in ["arch", "width", "stem"] { encoder[key] = training?[key] }
        return (.object(encoder), try file.integer("hl.step"), training?["steps"]?.integer ?? 0)
    }

    /// What the training of an encoder's file began with: its network, and the seed of its weights.
    /// - Throws: as `read`; incompatible for a file that does not say so, as those of others.
    static func start(
        path: String, _ choice: EncoderChoice
    ) throws -> (description: EncoderDescription, seed: UInt64, zeroInitResidual: Bool) {
        let contents = try read(path: path, choice)
        guard let seed = contents.seed else {
            throw Failure(
                .incompatible, "\(path) does not say which seed its training began with",
                "name an encoder of hl-train, or give --untrained")
        }
        let own = contents.description
        return (
            try EncoderDescription(own.architecture, side: own.side, crop: own.crop, layer: own.layer), seed,
            contents.method.flatMap(Methods.named)?.zeroInitResidual ?? true
        )
    }

    /// What hl-export says of the images in a file that it has written under the names of others.
    private static func statedDescription(_ file: ModelFile, _ path: String) throws -> EncoderDescription? {
        try words("hl.encoder", of: file, path).map { try EncoderDescription(json: $0, name: path) }
    }

    /// Metadata that are JSON; nil where a file has none of that name.
    private static func words(_ key: String, of file: ModelFile, _ path: String) throws -> JSONValue? {
        let text =
            switch file {
            case .safetensors(_, let metadata): metadata[key]
            case .pickle: try TorchFile.note(key, path: path)
            }
        return try text.map { try JSONValue(parsing: $0, name: "\(key) of \(path)") }
    }

    /// What a file says of how its encoder and the classifier behind it came about: settings of the training, history and
    /// classes, as far as they are there.
    /// - Throws: as `read`.
    package static func provenance(path: String) throws -> [String: String] {
        let file = try open(path)
        let found = try ["hl.training", "hl.history", "hl.classifier"].map { key in
            (key, try words(key, of: file, path)?.text)
        }
        return Dictionary(uniqueKeysWithValues: found).compactMapValues { $0 }
    }

    /// torchvision's `fc`, which `Supervised` has too.
    private static func head(
        in tensors: [(name: String, tensor: StoredTensor)], behind prefix: String
    ) -> (weight: StoredTensor, bias: StoredTensor)? {
        func tensor(_ name: String) -> StoredTensor? { tensors.first { $0.name == prefix + name }?.tensor }
        guard let weight = tensor("fc.weight"), let bias = tensor("fc.bias") else { return nil }
        return (weight, bias)
    }

    private static func check(_ wanted: String?, _ found: any BackboneArchitecture, _ path: String) throws {
        guard let wanted, wanted != found.name else { return }
        throw Failure(.incompatible, "\(path) holds a \(found.name), not a \(wanted)", "leave out --arch")
    }

    private static func open(_ path: String) throws -> ModelFile {
        // A stream is in order, and no encoder.
        let form = try PeekingSource(path: path).form
        if form.kind == .zstd {
            throw form.refusal(
                of: path, wanted: "an encoder", remedy: "name a file that hl-train wrote", kind: .incompatible)
        }
        return try ModelFile.open(
            path: path, wanted: "an encoder", remedy: "name an encoder of hl-train or a backbone's state dict")
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

/// What a user says of an encoder's file beside its path.
package struct EncoderChoice: Sendable {
    /// Of the images that the network expects; nil takes the file's, or what its architecture is made for.
    package var side: Int?
    /// nil takes the file's, or 7/8 of the side.
    package var crop: Int?
    /// Which of several networks in the file, by what stands before its names.
    package var part: String?
    /// The architecture's name, where the file does not tell.
    package var architecture: String?
    /// Names of layers, joined by +; nil takes the architecture's main one.
    package var layer: String?

    package init(
        side: Int? = nil, crop: Int? = nil, part: String? = nil, architecture: String? = nil, layer: String? = nil
    ) {
        self.side = side
        self.crop = crop
        self.part = part
        self.architecture = architecture
        self.layer = layer
    }
}
