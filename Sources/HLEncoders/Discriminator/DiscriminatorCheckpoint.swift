import HLCompute
import HLFormats
import HLNet
import HLTensor

/// The file of a trained discriminator: safetensors, with what it is and how well it does in the metadata.
package enum DiscriminatorCheckpoint {
    static let envelope = Checkpoint(kind: "discriminator", version: "1", writtenBy: "hl-train discriminator")

    /// A discriminator and how well it told held-out images apart.
    package struct Loaded {
        package let model: Discriminator
        package let auc: Double
    }

    /// How well it does on images that it was not trained on.
    package struct Measured: Sendable {
        /// Of real against generated images.
        package let auc: Double
        /// Images of each kind.
        package let heldOut: Int
        /// Of real images against the defective ones among the generated, where it is known which are.
        package let defectAUC: Double?

        package init(auc: Double, heldOut: Int, defectAUC: Double? = nil) {
            self.auc = auc
            self.heldOut = heldOut
            self.defectAUC = defectAUC
        }
    }

    static func file(
        _ model: Discriminator, _ state: [(name: String, tensor: HostTensor)], _ measured: Measured,
        training: JSONValue, history: [HistoryEntry]
    ) -> TensorFile {
        var description: JSONObject = [
            "side": .integer(Int64(model.side)), "width": .integer(Int64(model.width)), "auc": .number(measured.auc),
            "held_out": .integer(Int64(measured.heldOut)),
        ]
        description["defect_auc"] = measured.defectAUC.map { .number($0) }
        return envelope.file(
            NamedTensors(state.map { ($0.name, $0.tensor) }),
            metadata: ["hl.discriminator": JSONValue.object(description).text], training: training, history: history)
    }

    /// - Throws: `Failure`: noInput for a missing file, data for a damaged one, incompatible for one of something else.
    package static func load(path: String, on backend: any Backend) throws -> Loaded {
        let file = try envelope.read(path: path)
        let description = try file.json("hl.discriminator")
        guard let side = description["side"]?.integer, let width = description["width"]?.integer,
            let auc = description["auc"]?.number, Discriminator.sides.contains(Int(clamping: side)),
            (1...1024).contains(width),
            (0...1).contains(auc)
        else {
            throw Failure(.data, "\(path) does not say what it holds", "train the discriminator again")
        }
        let model = Discriminator(backend, side: Int(side), width: Int(width))
        do {
            try model.load(on: backend) { file.tensors[$0] }
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
        return Loaded(model: model, auc: auc)
    }
}
