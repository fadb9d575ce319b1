import HLTensor

extension TorchFile {
    /// Writes what torch.save writes of a state dict, in its zip form, for `torch.load(weights_only=True)`; all or nothing.
    /// - Parameters:
    ///   - tensors: in the order of the dictionary; types that torch has a storage for.
    ///   - key: under which the dictionary lies in another one; nil makes it the file's object.
    ///   - notes: texts for entries of the archive, which torch.load passes over and `unzip -p FILE archive/NAME` prints.
    /// - Throws: `Failure`: incompatible beyond 4 GiB, cannotCreate, inputOutput.
    package static func writeStateDict(
        _ tensors: NamedTensors, under key: String? = nil, notes: [String: String], to path: String
    ) throws {
        let file = try OutputFile(path: path)
        var archive = ZipWriter(file)
        func add(_ name: String, _ text: String) throws {
            var payload = OutputPieces()
            payload.append(text)
            try archive.add(folder + name, payload)
        }
        let dictionary = PickleTerm.filled(
            ordered, tensors.enumerated().map { ($1.name, tensor($1.tensor, storage: $0)) })
        let object = key.map { PickleTerm.dictionary([($0, dictionary)]) } ?? dictionary
        try archive.add(folder + "data.pkl", object.pickle(version: 2))
        try add("byteorder", "little")
        for (index, entry) in tensors.enumerated() {
            var payload = OutputPieces()
            payload.append(entry.tensor)
            try archive.add("\(folder)data/\(index)", payload)
        }
        try add("version", "3\n")
        for (name, text) in notes.sorted(by: { $0.key < $1.key }) { try add(name, text) }
        try archive.finish()
        try file.commit()
    }

    /// One of the notes of a file that `writeStateDict` wrote; nil where a file has none of that name.
    /// - Throws: `Failure`: noInput where the file cannot be opened, data where it is a damaged archive.
    package static func note(_ name: String, path: String) throws -> String? {
        let bytes = try MappedFile(path: path).bytes
        guard ZipArchive.isArchive(bytes), let note = try ZipArchive(bytes).payload(folder + name),
            note.count <= longestNote
        else { return nil }
        return note.text(at: 0, count: note.count)
    }

    /// Of all entries of an archive that we write.
    private static let folder = "archive/"
    /// In bytes: a number in a foreign file must not be memory that is asked for.
    private static let longestNote = 1 << 24

    private static let ordered = PickleTerm.call(.global(module: "collections", name: "OrderedDict"), [])

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)`; the storage is the archive's
    /// entry of that number.
    private static func tensor(_ tensor: HostTensor, storage: Int) -> PickleTerm {
        guard let type = storageClass(tensor.type) else {
            preconditionFailure("torch has no storage of \(tensor.type.rawValue)")
        }
        let id = PickleTerm.tuple([
            .text("storage"), .global(module: "torch", name: type), .text("\(storage)"), .text("cpu"),
            .integer(tensor.elementCount),
        ])
        let strides = tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) }
        return .call(
            .global(module: "torch._utils", name: "_rebuild_tensor_v2"),
            [
                .persistent(id), .integer(0), .tuple(tensor.shape.map { .integer($0) }),
                .tuple(strides.map { .integer($0) }), .boolean(false), ordered,
            ])
    }

    private static func storageClass(_ type: ElementType) -> String? {
        switch type {
        case .f32: "FloatStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .f64: "DoubleStorage"
        case .i64: "LongStorage"
        case .i32: "IntStorage"
        case .u8: "ByteStorage"
        default: nil
        }
    }
}
