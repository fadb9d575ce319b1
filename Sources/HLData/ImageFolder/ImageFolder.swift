import HLFormats
import HLTensor

/// A folder of images in torchvision's layout: `<directory>/<split>/<class>/**/*.{jpg,jpeg,png,webp}`, or without splits.
///
/// Classes are sorted by name and their files too, in byte order. Hidden files and files of other kinds are left out; what
/// of them may have been meant is counted in `omissions`.
package struct ImageFolder: ImageDataset {
    package let directory: String
    package let split: String?
    package let classNames: [String]
    package let omissions: Omissions
    private let root: SystemPath
    private let folders: [SystemPath]
    /// Within the folders of their classes.
    private let files: NameTable
    /// The first image of each class, and the count of all behind them.
    private let starts: [Int]

    package var count: Int { files.count }
    package var source: String { "\(Self.kind.name):\(root.shown)" }

    /// In the catalogue of data sets.
    static let kind = DatasetKind(
        name: "imagefolder", abstract: "DIR/SPLIT/CLASS/IMAGE, or without splits",
        settings: [
            DatasetSetting(
                "labels", .choice(["folders", "none"]), standard: nil, "none: all images below DIR as one class")
        ] + SeededSplit.settings,
        open: { place in
            try SeededSplit.open(place) { place in
                guard place["labels"] != "none" else { return try FlatFolder(place) }
                return try ImageFolder(
                    directory: place.path, split: place.split, keepingEmptyClasses: place.options.keepsEmptyClasses)
            }
        })

    package var identity: JSONObject {
        var object: JSONObject = ["kind": .string(Self.kind.name), "directory": .string(directory)]
        if let split { object["split"] = .string(split) }
        object["fingerprint"] = .string(fingerprint)
        return object
    }

    /// Lists the folder; images are opened only when they are read.
    ///
    /// - Parameters:
    ///   - split: a subfolder such as `train`; nil where the classes lie directly in `directory`.
    ///   - keepingEmptyClasses: whether a class without images is one nevertheless, whose label nothing has.
    /// - Throws: `Failure` `.noInput` for a missing folder or split and for a class without images, `.usage` when a
    ///   split has to be chosen or there is none.
    package init(directory: String, split: String? = nil, keepingEmptyClasses: Bool = false) throws {
        let top = try Directory(directory)
        root = try split.map { try Self.root(of: $0, in: directory, top) } ?? SystemPath(directory)
        let listing = split == nil ? top : try Directory(root)
        var omissions = Self.omissions(beside: listing, in: root)
        folders = listing.folders.filter { !ClassFolder.isForeign($0) }
        guard !folders.isEmpty else {
            throw Failure(
                .noInput, "\(root.shown) has no class folders",
                omissions.count(.unclassified) > 0
                    ? "write ,labels=none behind it to read its images as one class"
                    : "give a folder of the form DIR/SPLIT/CLASS/IMAGE")
        }
        var files = NameTable(), starts = [0], likeSplits: [SystemPath] = [], hasImages = false, empty: Failure?
        for folder in folders {
            let content = try ClassFolder(root / folder)
            omissions.add(content.omissions)
            content.images.forEach { files.append($0) }
            starts.append(files.count)
            hasImages = hasImages || content.hasImages
            if !content.hasImages && content.hasFolders { likeSplits.append(folder) }
            if content.images.isEmpty {
                empty = empty ?? Self.emptyClass(root / folder, content.omissions)
                omissions.add(.emptyClass, root / folder)
            }
        }
        if split == nil { try Self.refuseSplits(likeSplits.map(\.text), hasImages: hasImages, directory) }
        if let empty, !keepingEmptyClasses { throw empty }
        guard files.count > 0 else {
            throw Failure(.noInput, "\(root.shown) has no images", "give a folder of JPEG, PNG or WebP files")
        }
        self.directory = directory
        self.split = split
        self.files = files
        self.starts = starts
        self.omissions = omissions
        classNames = folders.map(\.text)
    }

    /// The names of the splits in a directory: subfolders that hold folders themselves.
    package static func splits(in directory: String) throws -> [String] {
        splits(of: try Directory(directory), in: directory)
    }

    package func label(at index: Int) -> Int {
        // The last class that starts no later; classes without images start where the next one does.
        var low = 0, high = folders.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return low
    }

    package func encodedSample(at index: Int) throws -> EncodedSample {
        EncodedSample(id: Int64(index), label: label(at: index), image: try EncodedImage(systemPath(at: index)))
    }

    /// The path of image `index` < ``count``, for people.
    package func path(at index: Int) -> String { systemPath(at: index).shown }

    private func systemPath(at index: Int) -> SystemPath { root / folders[label(at: index)] / files[index] }

    /// The same for the same images in the same classes, wherever they lie and whatever that place is called.
    private var fingerprint: String {
        var content = ContentFingerprint()
        for (label, folder) in folders.enumerated() {
            content.add(folder)
            for index in starts[label]..<starts[label + 1] { content.add(files[index]) }
            content.add(SystemPath(""))
        }
        content.addContents(of: count, systemPath)
        return content.text
    }

    // MARK: Splits

    private static func root(of split: String, in directory: String, _ top: Directory) throws -> SystemPath {
        let root = SystemPath(directory) / SystemPath(split)
        if top.folders.contains(SystemPath(split)) { return root }
        let splits = splits(of: top, in: directory)
        if splits.isEmpty && !top.folders.isEmpty {
            throw Failure(
                .usage, "\(directory) has no splits, its folders are classes", "do not name the split \(split)")
        }
        throw Failure(
            .noInput, "no split '\(split)' in \(directory)",
            splits.isEmpty
                ? "give a folder of the form DIR/SPLIT/CLASS/IMAGE"
                : "use one of \(splits.joined(separator: ", "))")
    }

    private static func splits(of top: Directory, in directory: String) -> [String] {
        top.folders.filter { folder in
            let inside = try? Directory(SystemPath(directory) / folder)
            return !(inside?.folders.isEmpty ?? true)
        }.map(\.text)
    }

    /// What splits are mostly called.
    private static let usualSplits: Set<String> = [
        "train", "training", "val", "valid", "validation", "test", "testing", "dev",
    ]

    /// Folders whose images all lie in folders of their own are splits with classes rather than classes, where that holds
    /// for all of them, or where one has a split's name.
    private static func refuseSplits(_ likely: [String], hasImages: Bool, _ directory: String) throws {
        let isSplit = !hasImages || likely.contains { usualSplits.contains($0.lowercased()) }
        guard isSplit, let first = likely.first else { return }
        throw Failure(
            .usage, "\(directory) has splits: \(likely.joined(separator: ", "))",
            "name the one to read, such as --split \(first); where they are classes, name the folder above as the data "
                + "set and this one as the split")
    }

    // MARK: What is left out

    /// What lies beside the folders of classes.
    private static func omissions(beside listing: Directory, in root: SystemPath) -> Omissions {
        var omissions = Omissions()
        for name in listing.files where name.hasEnding(ClassFolder.imageEndings + ClassFolder.otherEndings) {
            omissions.add(.unclassified, root / name)
        }
        for name in listing.danglingLinks { omissions.add(.danglingLink, root / name) }
        for name in listing.folders where ClassFolder.isForeign(name) { omissions.add(.foreignFolder, root / name) }
        return omissions
    }

    private static func emptyClass(_ folder: SystemPath, _ omissions: Omissions) -> Failure {
        let rest = omissions.isEmpty ? "" : ", but \(omissions.text)"
        return Failure(
            .noInput, "the class folder \(folder.shown) has no images\(rest)",
            "fill it, give --allow-empty to keep the class and its label, or remove it and its label")
    }
}
