import HLFormats
import HLTensor

/// Images that are files of one folder, which they cannot lead out of.
struct FileStore: ImageStore {
    let folder: ConfinedFolder
    /// Within the folder.
    let files: NameTable

    var count: Int { files.count }

    func name(at index: Int) -> String { (folder.path / files[index]).shown }

    func image(at index: Int) throws -> Image { try Image.read(folder.file(files[index])) }

    func describe(to content: inout ContentFingerprint) {
        for index in 0..<count { content.add(files[index]) }
        content.addContents(of: count) { try? folder.file(files[$0]) }
    }
}

/// Files and their labels as published lists name them; those that are gone are counted.
struct ListedFiles {
    private let place: DatasetPlace
    private let folder: ConfinedFolder
    private var files = NameTable()
    private var labels: [Int32] = []
    private var marks: [UInt8] = []
    private(set) var omissions = Omissions()
    private var listed = 0
    /// What is there, by folder, so that not every file costs a question to the disk.
    private var present: [ArraySlice<UInt8>: Set<SystemPath>] = [:]

    /// - Parameter folder: that names are relative to.
    init(_ place: DatasetPlace, in folder: ConfinedFolder) {
        self.place = place
        self.folder = folder
    }

    /// - Parameters:
    ///   - name: relative to the folder.
    ///   - marks: of all classes, where an image may show several.
    ///   - list: where it stands, for messages.
    /// - Throws: `Failure(.data)` for a name that leads elsewhere, and for a folder that does.
    mutating func add(
        _ name: some StringProtocol, _ label: Int, marks: [UInt8] = [], from list: String
    ) throws {
        let name = try ConfinedFolder.checked(name, from: list)
        listed += 1
        guard try isThere(name) else {
            omissions.add(.gone, folder.path / name)
            return
        }
        files.append(name)
        labels.append(Int32(label))
        self.marks += marks
    }

    /// Images that have no label.
    mutating func leaveOut(_ reason: Omissions.Reason, _ name: String) {
        omissions.add(reason, folder.path / SystemPath(name))
    }

    /// - Throws: `Failure(.noInput)` where nothing is left, or something is gone that may not be.
    func dataset(_ classNames: [String]) throws -> LabelledImages {
        let gone = omissions.count(.gone)
        if gone > 0 && (place.options.isStrict || gone == listed) {
            throw Failure(
                .noInput, "\(gone) of the \(listed) images that \(place.source) lists are gone: \(omissions.text)",
                gone == listed ? "unpack the images in \(folder.path.shown)" : "fetch them, or leave out --strict")
        }
        return try LabelledImages(
            place, classNames: classNames, labels: labels, FileStore(folder: folder, files: files), marks: marks,
            omitting: omissions)
    }

    private mutating func isThere(_ name: SystemPath) throws -> Bool {
        let end = name.bytes.lastIndex(of: UInt8(ascii: "/"))
        let parent = end.map { name.bytes[..<$0] } ?? []
        let file = SystemPath(bytes: end.map { name.bytes[($0 + 1)...] } ?? name.bytes[...])
        if present[parent] == nil { present[parent] = try contents(of: SystemPath(bytes: parent)) }
        return present[parent]?.contains(file) ?? false
    }

    private func contents(of parent: SystemPath) throws -> Set<SystemPath> {
        guard parent.bytes.isEmpty || folder.holds(parent.text) else { return [] }
        let place = try parent.bytes.isEmpty ? folder : folder.folder(parent)
        return Set(try place.listing().files)
    }
}
