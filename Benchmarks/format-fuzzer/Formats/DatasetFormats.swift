import HLFormats

/// MNIST's files, compressed or not.
struct IdxFormat: FuzzedFormat {
    let name = "idx"

    func read(path: String, thorough: Bool) throws { _ = try Idx.read(path: path) }
}

/// CIFAR's files in both forms: whatever does not begin as a pickle is read as binary.
struct CIFARFormat: FuzzedFormat {
    let name = "cifar"

    func read(path: String, thorough: Bool) throws {
        let first = try FileDescriptorSource(path: path).readAll().withBytes { $0.first }
        let file =
            try first == 0x80
            ? CIFARFile(pickle: path) : CIFARFile(binary: path, kind: (first ?? 0) < 10 ? .cifar10 : .cifar100)
        for index in 0..<file.count { _ = file.image(at: index) }
    }
}

/// The files that name CIFAR's classes.
struct CIFARNamesFormat: FuzzedFormat {
    let name = "cifar-names"

    func read(path: String, thorough: Bool) throws { _ = try CIFARClassNames(pickle: path) }
}

/// LMDB databases.
struct LMDBFormat: FuzzedFormat {
    let name = "lmdb"

    func read(path: String, thorough: Bool) throws {
        let database = try LMDBFile(path: path)
        for index in 0..<database.count {
            _ = try database.value(at: index).read()
            guard try database.index(ofKey: database.key(at: index)) == index else { throw Lost(index: index) }
        }
    }

    /// A record that is not found by its key.
    private struct Lost: Error { let index: Int }
}
