import HLTensor

extension CIFARFile {
    /// A file of the Python form, such as `data_batch_1`, `test_batch`, `train` or `test`: a pickled dictionary with
    /// `data` (N × 3072 U8) and `labels`, or `fine_labels` and `coarse_labels`, which say which set it is. The pickle
    /// is read without running anything in it.
    /// - Throws: `Failure`: noInput for a file that cannot be opened, data for one that is damaged or holds something
    ///   else.
    package init(pickle path: String) throws {
        let entries = try CIFARPickle(path: path)
        let kind: CIFARKind = entries["fine_labels"] == nil ? .cifar10 : .cifar100
        let labels = try entries.labels(kind == .cifar10 ? "labels" : "fine_labels")
        let coarse = kind == .cifar10 ? nil : try entries.labels("coarse_labels")
        guard let data = entries["data"]?.tensor, data.type == .u8, data.shape == [labels.count, Self.pixelBytes],
            coarse.map({ $0.count == labels.count }) ?? true
        else {
            throw Failure(
                .data, "\(path) has no array 'data' of \(labels.count) x \(Self.pixelBytes) bytes, one row a label",
                "fetch it again")
        }
        let isRowMajor = data.strides[1] == 1 && data.strides[0] >= Self.pixelBytes
        let bytes =
            try isRowMajor ? data.storage.contents() : data.hostTensor().withUnsafeBytes { ByteSlice(copying: $0) }
        try self.init(
            kind, labels: labels, coarseLabels: coarse, path: path, bytes: bytes, first: isRowMajor ? data.offset : 0,
            stride: isRowMajor ? data.strides[0] : Self.pixelBytes)
    }
}

/// The names of the classes, from the files that say them.
package struct CIFARClassNames: Sendable, Equatable {
    /// By label; CIFAR-100's fine ones.
    package let names: [String]
    /// By coarse label, nil for CIFAR-10.
    package let coarseNames: [String]?

    /// From `batches.meta` or `meta` of the Python form.
    /// - Throws: `Failure` (noInput, data).
    package init(pickle path: String) throws {
        let entries = try CIFARPickle(path: path)
        if entries["fine_label_names"] == nil {
            try self.init(entries.names("label_names"), nil, path)
        } else {
            try self.init(entries.names("fine_label_names"), entries.names("coarse_label_names"), path)
        }
    }

    /// From texts of the binary form, a name a line: `batches.meta.txt`, or `fine_label_names.txt` and
    /// `coarse_label_names.txt`.
    /// - Throws: `Failure` (noInput, inputOutput, data).
    package init(text path: String, coarse: String? = nil) throws {
        func lines(_ path: String) throws -> [String] {
            let text = try FileDescriptorSource(path: path).readAll().withBytes { String(decoding: $0, as: UTF8.self) }
            return text.split(whereSeparator: \.isNewline).map(String.init)
        }
        try self.init(lines(path), coarse.map(lines), path)
    }

    private init(_ names: [String], _ coarseNames: [String]?, _ path: String) throws {
        let kind: CIFARKind = coarseNames == nil ? .cifar10 : .cifar100
        guard names.count == kind.classCount,
            coarseNames.map({ $0.count == CIFARKind.coarseClassCount }) ?? true
        else {
            throw Failure(.data, "\(path) does not name the \(kind.classCount) classes of \(kind)", "fetch it again")
        }
        self.names = names
        self.coarseNames = coarseNames
    }
}

/// The pickled dictionary of a file.
private struct CIFARPickle {
    private let path: String
    private let entries: [(key: PickleValue, value: PickleValue)]

    init(path: String) throws {
        self.path = path
        let bytes = try MappedFile(path: path).bytes
        let value: PickleValue
        do {
            var position = 0
            value = try PickleMachine.read(
                bytes, at: &position, budget: PickleBudget(fileSize: bytes.count),
                persistent: { _ in throw damagedPickle("it refers to something outside the pickle") },
                readFile: { _ in throw damagedPickle("it holds a file of PyTorch") })
        } catch let failure as Failure where failure.kind == .data {
            throw Failure(.data, "\(path): \(failure.what)", "fetch it again from the set's page")
        }
        guard let dictionary = value.dictionary else {
            throw Failure(.data, "\(path) is a pickle of something else than CIFAR's", "fetch it again")
        }
        entries = dictionary.entries
    }

    /// Keys are text where Python 2 wrote them, and may be bytes where Python 3 did.
    subscript(key: String) -> PickleValue? { entries.last { $0.key.text == key }?.value }

    func labels(_ key: String) throws -> [UInt8] {
        let values = try elements(key).map(\.integer)
        return try values.map { value in
            guard let value, let label = UInt8(exactly: value) else {
                throw Failure(.data, "\(path): '\(key)' holds something else than labels", "fetch it again")
            }
            return label
        }
    }

    func names(_ key: String) throws -> [String] {
        try elements(key).map { element in
            guard let text = element.text else {
                throw Failure(.data, "\(path): '\(key)' holds something else than names", "fetch it again")
            }
            return text
        }
    }

    private func elements(_ key: String) throws -> [PickleValue] {
        guard let elements = self[key]?.elements else {
            throw Failure(.data, "\(path) has no list '\(key)'", "name a file of CIFAR-10's or CIFAR-100's Python form")
        }
        return elements
    }
}
