import HLTensor

/// A file of weights whose tensors are read one at a time, when they are asked for. What the file begins with decides
/// its form, not its name.
package enum ModelFile {
    /// What `torch.save` or `pickle.dump` wrote.
    case pickle(PickleValue)
    case safetensors([(name: String, tensor: StoredTensor)], metadata: [String: String])

    /// Reads the directory of the file or its pickle, not the elements.
    ///
    /// - Throws: `Failure` of kind `noInput` where the file cannot be opened, and `data` where it is damaged or of
    ///   another form.
    package static func open(path: String) throws -> ModelFile {
        let bytes = try MappedFile(path: path).bytes
        defer { bytes.discard() }
        return try bytes.withoutReadingAhead {
            // This form first: the length that it begins with can look like the beginning of a pickle.
            if Safetensors.isRecognised(bytes) {
                let (tensors, metadata) = try Safetensors.open(bytes, name: path)
                return .safetensors(tensors, metadata: metadata)
            }
            guard TorchFile.isRecognised(bytes) else {
                throw Failure(
                    .data, bytes.count == 0 ? "\(path) is empty" : "\(path) is \(description(of: bytes))",
                    "name a file written by torch.save or pickle.dump, or safetensors")
            }
            do {
                return .pickle(try TorchFile.read(bytes))
            } catch let failure as Failure {
                throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
            }
        }
    }

    private static func description(of bytes: ByteSlice) -> String {
        switch bytes.integer(at: 0, as: UInt32.self) {
        case 0xFD2F_B528: "a zstd stream, not weights"
        case 0x4644_4889: "an HDF5 file, which is not supported"
        default: "neither a PyTorch file nor a pickle nor safetensors"
        }
    }
}
