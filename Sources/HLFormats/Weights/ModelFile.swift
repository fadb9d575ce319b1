import HLTensor

/// A file of weights whose tensors are read one at a time, when they are asked for. What the file begins with decides
/// its form, not its name.
package enum ModelFile {
    /// What `torch.save` or `pickle.dump` wrote.
    case pickle(PickleValue)
    case safetensors([(name: String, tensor: StoredTensor)], metadata: [String: String])

    /// Reads the directory of the file or its pickle, not the elements.
    ///
    /// - Parameters:
    ///   - wanted: what the file should hold, for messages: `an encoder`.
    ///   - remedy: what to do where it is something else.
    /// - Throws: `Failure` of kind `noInput` where the file cannot be opened, and `data` where it is damaged or of
    ///   another form.
    package static func open(
        path: String, wanted: String = "weights",
        remedy: String = "name a file written by torch.save or pickle.dump, or safetensors"
    ) throws -> ModelFile {
        let bytes = try MappedFile(path: path).bytes
        defer { bytes.discard() }
        return try bytes.withoutReadingAhead {
            let form = bytes.form
            switch form.kind {
            case .safetensors:
                let (tensors, metadata) = try Safetensors.open(bytes, name: path)
                return .safetensors(tensors, metadata: metadata)
            case .zip, .pickle:
                do {
                    return .pickle(try TorchFile.read(bytes))
                } catch let failure as Failure {
                    throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
                }
            default: throw form.refusal(of: path, wanted: wanted, remedy: remedy)
            }
        }
    }

    /// Every tensor of the file, under the keys that lead to it (`collectedTensors`).
    /// - Throws: `Failure` of kind `data` where the file asks for absurd amounts.
    package func tensors() throws -> [(name: String, tensor: StoredTensor)] {
        switch self {
        case .safetensors(let tensors, _): tensors
        case .pickle(let value): try collectedTensors(of: value)
        }
    }
}
