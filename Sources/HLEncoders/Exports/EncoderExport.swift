import HLFormats
import HLTensor

/// An encoder on its way to code of others: which form of file, whose names, and what that code is told.
package struct EncoderExport {
    let encoder: Encoder
    /// A linear layer that is written behind the features.
    let classifier: LinearHead?
    let form: ExportForm
    let library: ForeignLibrary
    /// nil where the file is the network itself.
    let names: ForeignNames?

    /// - Parameters:
    ///   - classifier: a linear layer to be written behind the features.
    ///   - library: whose names; nil takes the usual ones.
    /// - Throws: `Failure`: usage for a library that does not read this form, or features that a state dict does not say;
    ///   incompatible where the library has no such network.
    package init(
        _ encoder: Encoder, _ classifier: LinearHead? = nil, as form: ExportForm, for library: ForeignLibrary?
    ) throws {
        let architecture = encoder.description.architecture
        self.encoder = encoder
        self.classifier = classifier
        self.form = form
        self.library = try form.library(library, of: architecture)
        names = form == .onnx ? nil : try architecture.names(in: self.library, classes: classifier?.classes)
        guard form == .onnx || encoder.description.layers == [architecture.mainLayer] else {
            throw Failure(
                .usage, "weights do not say that \(encoder.description.layer) is the features",
                "name a file that ends in .onnx, or leave out --layer")
        }
        guard form == .onnx || classifier?.takesUnitLength != true else {
            throw Failure(
                .incompatible, "the classifier takes features of unit length, which weights do not say",
                "name a file that ends in .onnx, or leave out --classifier")
        }
    }

    /// Writes the file, all or nothing.
    /// - Parameters:
    ///   - provenance: how the encoder came about, to be kept as it is.
    ///   - version: of this release.
    /// - Throws: `Failure`: data for weights that are no numbers, incompatible beyond what the form holds, cannotCreate,
    ///   inputOutput, and whatever went wrong on the backend.
    package func write(to path: String, provenance: [String: String], version: String) throws {
        var notes = provenance
        if classifier == nil { notes["hl.classifier"] = nil }
        var about = encoder.description.json.object ?? JSONObject()
        about["fingerprint"] = .string(try encoder.fingerprint())
        notes["hl.encoder"] = JSONValue.object(about).text
        notes["hl.loading"] =
            lines(file: path.split(separator: "/").last.map(String.init) ?? path)
            .joined(separator: "\n") + "\n"
        switch form {
        case .safetensors:
            // What the format's own library says of files for PyTorch.
            notes["format"] = "pt"
            try Safetensors.write(TensorFile(tensors: try tensors(), metadata: notes), to: path)
        case .torch: try TorchFile.writeStateDict(try tensors(), under: names?.key, notes: notes, to: path)
        case .pickle:
            notes["__author__"] = "hl-export"
            try ArrayPickle.write(
                model: try tensors(), flags: ["matching_heuristics": true], texts: notes, to: path)
        case .onnx:
            try ONNXFile.write(
                try graph(), producer: ("hl-export", version), description: encoder.description.json.text,
                metadata: notes, to: path)
        }
    }

    /// All of the backbone, under the names of the file.
    private func tensors() throws -> NamedTensors {
        guard let names else { preconditionFailure("a network has no state dict") }
        let layer = classifier.map { [("fc.weight", $0.weight), ("fc.bias", $0.bias)] } ?? []
        return NamedTensors(
            try encoder.backbone.state(on: encoder.backend).map { (names.prefix + names.name($0.name), $0.tensor) }
                + layer)
    }
}
