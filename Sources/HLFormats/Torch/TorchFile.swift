import HLTensor

/// Files of torch.save, in its zip and its legacy form, and plain pickles such as StyleGAN2's.
package enum TorchFile {
    /// Reads a file without running anything in it; tensors stay in the mapped file until they are asked for.
    ///
    /// - Throws: `Failure` of kind `noInput` where the file cannot be opened, and `data` where it is not what it
    ///   should be.
    package static func read(path: String) throws -> PickleValue {
        let file = try MappedFile(path: path)
        do {
            return try read(file.bytes)
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
    }

    /// Reads a file's contents from memory.
    package static func read(bytes: [UInt8]) throws -> PickleValue { try read(ByteSlice(copying: bytes)) }

    /// Whether the bytes begin as a file that `read` takes.
    static func isRecognised(_ bytes: ByteSlice) -> Bool {
        ZipArchive.isArchive(bytes) || bytes.integer(at: 0, as: UInt8.self) == 0x80
    }

    static func read(_ bytes: ByteSlice) throws -> PickleValue {
        try read(bytes, budget: PickleBudget(fileSize: bytes.count), nesting: 0)
    }

    static func read(_ bytes: ByteSlice, budget: PickleBudget, nesting: Int) throws -> PickleValue {
        if ZipArchive.isArchive(bytes) {
            // Nested files are always of the legacy form; reading directories over and over could go on for hours.
            guard nesting == 0 else { throw damagedPickle("it holds an archive within itself") }
            return try readArchive(bytes, budget)
        }
        guard isRecognised(bytes) else {
            throw Failure(
                .data, bytes.count == 0 ? "it is empty" : "it is neither a PyTorch file nor a pickle",
                "name a file written by torch.save or pickle.dump")
        }
        var position = 0
        let first = try pickle(bytes, at: &position, budget, nesting) { _ in
            throw damagedPickle("it refers to something outside the pickle")
        }
        guard isMagic(first) else { return first }
        return try readLegacy(bytes, from: position, budget, nesting)
    }

    /// Reads the pickle at `position` of a file that is nested in so many others. Storages in it may be files
    /// themselves.
    private static func pickle(
        _ bytes: ByteSlice, at position: inout Int, _ budget: PickleBudget, _ nesting: Int,
        persistent: @escaping (PickleValue) throws -> PickleValue
    ) throws -> PickleValue {
        try PickleMachine.read(bytes, at: &position, budget: budget, persistent: persistent) { file in
            guard nesting < PickleLimits.nesting else { throw damagedPickle("it nests files without end") }
            return try read(file, budget: budget, nesting: nesting + 1)
        }
    }

    // MARK: Zip form

    private static func readArchive(_ bytes: ByteSlice, _ budget: PickleBudget) throws -> PickleValue {
        let archive = try ZipArchive(bytes)
        let candidates = archive.names.filter { $0.hasSuffix("/data.pkl") }
        guard let name = candidates.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }), name.utf8.count <= 1024
        else { throw foreign(archive) }
        let prefix = String(name.dropLast("data.pkl".count))
        guard !archive.has(prefix + "constants.pkl") else { throw torchScript }
        guard let pickle = try archive.payload(name) else { throw foreign(archive) }
        if let order = try archive.payload(prefix + "byteorder"),
            order.text(at: 0, count: order.count)?.hasPrefix("little") != true
        {
            throw bigEndian
        }
        var storages: [String: TensorStorage] = [:]
        var position = 0
        return try self.pickle(pickle, at: &position, budget, 0) { id in
            let id = try StorageID(id)
            guard let entry = try archive.payload("\(prefix)data/\(id.key)") else {
                throw Failure(
                    .data, "the elements of storage \(quoted(id.key)) are missing", "fetch or save the file again")
            }
            if let known = storages[id.key], known.type == id.type, known.count == id.count { return .storage(known) }
            let storage = try TensorStorage(id.type, count: id.count, bytes: entry, opaqueType: id.opaqueType)
            storages[id.key] = storage
            return .storage(storage)
        }
    }

    /// A network that torch.jit.save wrote: its weights would be the same, but what it computes is a program.
    private static var torchScript: Failure {
        Failure(
            .data, "it is a TorchScript archive (torch.jit.save), not a state dict",
            "in Python, torch.save(torch.jit.load(FILE, map_location='cpu').state_dict(), 'weights.pth')")
    }

    /// An archive that torch.save did not write.
    private static func foreign(_ archive: ZipArchive) -> Failure {
        let names = archive.names, first = names.first.map { ", its first entry is \(quoted($0))" } ?? ""
        if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
            return Failure(
                .data, "it is an archive of NumPy arrays (.npz), not a state dict",
                "save the weights with torch.save, or as safetensors")
        }
        return Failure(
            .data, "it is a zip archive without data.pkl, which torch.save did not write\(first)",
            "if the weights are in it, unpack it and name their file")
    }

    // MARK: Legacy form

    /// The long integer that a legacy file begins with.
    private static func isMagic(_ value: PickleValue) -> Bool {
        guard case .bigInteger(let digits) = value else { return false }
        let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
        return digits.withUnsafeBytes { $0.elementsEqual(magic) }
    }

    /// After the magic number: the version, the system's properties, the object, the keys of the storages in file
    /// order, then per storage its number of elements and these.
    private static func readLegacy(
        _ bytes: ByteSlice, from start: Int, _ budget: PickleBudget, _ nesting: Int
    ) throws -> PickleValue {
        var position = start
        func next(_ persistent: @escaping (PickleValue) throws -> PickleValue) throws -> PickleValue {
            try pickle(bytes, at: &position, budget, nesting, persistent: persistent)
        }
        let none: (PickleValue) throws -> PickleValue = { _ in throw damagedPickle("it has a storage out of place") }
        guard try next(none).integer == 1001 else {
            throw Failure(.data, "the file has an unknown version of PyTorch's old form", "save it again with PyTorch")
        }
        guard let system = try next(none).dictionary else { throw damagedPickle("its properties are missing") }
        guard system["little_endian"]?.boolean ?? true else { throw bigEndian }
        var storages: [String: TensorStorage] = [:]
        let object = try next { value in
            // A class of a module comes with its source code, which is ignored.
            if let parts = value.elements, parts.count >= 2, parts[0].text == "module" { return parts[1] }
            let id = try StorageID(value)
            let root: TensorStorage
            if let known = storages[id.key] {
                guard known.type == id.type, known.count == id.count else { throw damagedPickle("storages disagree") }
                root = known
            } else {
                root = try TensorStorage(id.type, count: id.count, opaqueType: id.opaqueType)
                storages[id.key] = root
            }
            guard let view = id.view else { return .storage(root) }
            return .storage(try TensorStorage(viewOf: root, at: view.offset, count: view.count))
        }
        guard let keys = try next(none).elements else { throw damagedPickle("the list of its storages is missing") }
        for key in keys {
            guard let key = key.text, let storage = storages.removeValue(forKey: key) else {
                throw damagedPickle("it lists a storage that nothing uses")
            }
            guard let count = bytes.integer(at: position, as: Int64.self), count == storage.count,
                let part = bytes.slice(at: position + 8, count: storage.count * storage.type.size)
            else {
                throw Failure(
                    .data, "the elements of storage \(quoted(key)) are cut off", "fetch or save the file again")
            }
            storage.bind(part)
            position += 8 + part.count
        }
        guard storages.isEmpty else { throw damagedPickle("the elements of a storage are missing") }
        return object
    }

    /// ('storage', class, key, device, elements[, view]); the view is (key, offset, elements) or None.
    private struct StorageID {
        let type: ElementType
        /// Set where the elements are of a type that is not read; they are counted as bytes then.
        let opaqueType: String?
        let key: String
        let count: Int
        let view: (offset: Int, count: Int)?

        init(_ id: PickleValue) throws {
            guard case .tuple(let tuple) = id, tuple.slots.count >= 5, tuple.slots[0].text == "storage",
                case .global(_, let name) = tuple.slots[1], let key = tuple.slots[2].text,
                key.utf8.count <= 256, let count = tuple.slots[4].integer
            else { throw damagedPickle("it refers to something other than a storage") }
            let known = TensorStorage.elementType(ofClass: name)
            guard let size = known == nil ? TensorStorage.opaqueSize(ofClass: name) : 1 else {
                throw Failure(
                    .data, "a tensor is stored as \(quoted(name)), which is not supported",
                    "convert the tensor to float32 in PyTorch and save the file again")
            }
            guard count >= 0, count <= Int.max / 64 else { throw damagedPickle("a storage has an impossible size") }
            type = known ?? .u8
            opaqueType = known == nil ? name : nil
            self.key = key
            self.count = count * size
            guard tuple.slots.count >= 6, let parts = tuple.slots[5].elements else {
                view = nil
                return
            }
            guard parts.count == 3, let offset = parts[1].integer, let length = parts[2].integer,
                (0...count).contains(offset), (0...count).contains(length)
            else { throw damagedPickle("a view of a storage is malformed") }
            view = (offset * size, length * size)
        }
    }

    private static var bigEndian: Failure {
        Failure(.data, "the file was written on a big-endian machine", "save it again on a little-endian one")
    }
}
