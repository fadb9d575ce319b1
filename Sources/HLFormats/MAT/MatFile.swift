import HLTensor

/// The variables of a MAT-file of level 5 (MATLAB's versions 5 to 7, `scipy.io.savemat`), in either byte order,
/// compressed or not ("MAT-File Format", The MathWorks). The file is read whole: data sets keep lists in it.
package struct MatFile: Sendable {
    /// For messages.
    package let path: String
    /// In the order of the file.
    package private(set) var names: [String] = []
    private var values: [String: MatValue] = [:]

    /// - Parameter limit: bytes that compressed variables may unfold to, all together.
    /// - Throws: `Failure`: noInput for a file that cannot be opened; data for one that is damaged or of another
    ///   version.
    package init(path: String, inflatingAtMost limit: Int = 256 << 20) throws {
        try self.init(MappedFile(path: path).bytes, path: path, inflatingAtMost: limit)
    }

    /// A file within another one, such as a member of an archive.
    package init(_ section: FileSection) throws {
        let bytes = try section.read(limit: 256 << 20).withBytes { ByteSlice(copying: $0) }
        try self.init(bytes, path: section.name, inflatingAtMost: 256 << 20)
    }

    private init(_ file: ByteSlice, path: String, inflatingAtMost limit: Int) throws {
        self.path = path
        do {
            let isBigEndian = try Self.isBigEndian(file)
            guard let body = file.slice(at: 128, count: file.count - 128) else { return }
            var elements = MatElements(MatBytes(bytes: body, isBigEndian: isBigEndian))
            var budget = MatBudget(inflatedBytes: limit)
            while let element = try elements.next() { try add(element, &budget) }
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
    }

    /// A variable.
    /// - Throws: `Failure` (data) where there is none of that name, or it is of a kind that is not read.
    package func value(_ name: String) throws -> MatValue {
        guard let value = values[name] else {
            let found = names.isEmpty ? "no variables" : names.prefix(8).map(quoted).joined(separator: ", ")
            throw Failure(.data, "\(path) has no variable \(quoted(name)), it has \(found)", "name another file")
        }
        if case .other(let kind) = value {
            throw Failure(
                .data, "\(path): the variable \(quoted(name)) is \(kind), which is not read",
                "save it as numbers or text")
        }
        return value
    }

    private mutating func add(_ element: MatElement, _ budget: inout MatBudget) throws {
        var matrix = element
        if element.type == .compressed {
            let text = try budget.inflated(element.contents.bytes)
            var inner = MatElements(MatBytes(bytes: text, isBigEndian: element.contents.isBigEndian))
            guard let first = try inner.next() else { throw damagedMat("a compressed element is empty") }
            matrix = first
        }
        guard matrix.type == .matrix else { throw damagedMat("a variable is no array") }
        let (name, value) = try MatArray.read(matrix.contents, &budget)
        // The last of equal names counts, as if they were loaded one after the other.
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    /// From the header of 128 bytes, which ends in version and byte order.
    private static func isBigEndian(_ file: ByteSlice) throws -> Bool {
        let hdf5: UInt64 = 0x0A1A_0A0D_4644_4889
        if file.integer(at: 0, as: UInt64.self) == hdf5 || file.integer(at: 512, as: UInt64.self) == hdf5 {
            throw Failure(
                .data, "it is a MAT-file of version 7.3 (HDF5)",
                "save it again: in MATLAB with save(FILE, '-v7'), in Python with scipy.io.savemat")
        }
        guard file.count > 0 else { throw Failure(.data, "it is empty", "fetch it again") }
        // Read as a little-endian word, 'MI' in the writer's order.
        let order = file.integer(at: 126, as: UInt16.self)
        guard order == 0x4D49 || order == 0x494D, let version = file.integer(at: 124, as: UInt16.self) else {
            throw Failure(
                .data, "it is no MAT-file of version 5 to 7",
                "save it with scipy.io.savemat, or in MATLAB with save(FILE, '-v7')")
        }
        let isBigEndian = order == 0x494D
        guard (isBigEndian ? version.byteSwapped : version) == 0x0100 else {
            throw damagedMat("its version is \(isBigEndian ? version.byteSwapped : version)")
        }
        return isBigEndian
    }
}
