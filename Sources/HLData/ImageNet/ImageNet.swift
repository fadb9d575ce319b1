import HLFormats
import HLTensor

/// ImageNet-1K (ILSVRC 2012, https://image-net.org/challenges/LSVRC/2012): folders of classes, the official tars as they
/// are, or the flat folder of the validation images with the ground truth of the devkit. Classes are the WordNet ids that
/// are there, sorted; the order is that of torchvision's ImageNet: by class, then by name.
enum ImageNet {
    static let kind = DatasetKind(
        name: "imagenet", abstract: "ImageNet-1K: train/ and val/, or ILSVRC2012_img_train.tar and _val.tar",
        splits: ["train", "val"], open: { try images($0, of: nil) })

    /// Where the folders of the splits lie, as torchvision and Kaggle have it.
    private static let places = ["", "ILSVRC/Data/CLS-LOC/", "Data/CLS-LOC/"]

    /// - Parameter chosen: WordNet ids of the classes that are wanted; nil for all.
    /// - Throws: `Failure`: noInput where a class has no images.
    static func images(_ place: DatasetPlace, of chosen: Set<String>?) throws -> LabelledImages {
        let split = place.split ?? "train"
        let archive = "ILSVRC2012_img_\(split).tar"
        let folder = try place.base(holding: places.map { $0 + split } + [archive])
        if let name = folder.first(of: places.map { $0 + split }) {
            let images = try folder.folder(name)
            let listing = try images.listing()
            let classes = listing.folders.map(\.text).filter { isClass($0) && chosen?.contains($0) ?? true }
            if classes.isEmpty && split == "val" && listing.files.contains(where: { number(of: $0.text) != nil }) {
                return try flat(place, images, try ValidationTruth(in: folder), chosen)
            }
            return try folders(place, images, chosen?.sorted() ?? classes)
        }
        let path = try folder.file(archive)
        return try split == "val"
            ? validationTar(place, path, ValidationTruth(in: folder), chosen) : trainTar(place, path, chosen)
    }

    /// `n` and eight digits.
    private static func isClass(_ name: String) -> Bool {
        name.utf8.count == 9 && name.first == "n" && name.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// Of `ILSVRC2012_val_00000001.JPEG`, from 1.
    private static func number(of name: String) -> Int? {
        let prefix = "ILSVRC2012_val_", file = name.split(separator: "/").last ?? ""
        guard file.hasPrefix(prefix), file.hasSuffix(".JPEG") else { return nil }
        return Int(file.dropFirst(prefix.count).dropLast(5))
    }

    // MARK: Folders

    private static func folders(
        _ place: DatasetPlace, _ folder: ConfinedFolder, _ classes: [String]
    ) throws -> LabelledImages {
        guard !classes.isEmpty else {
            throw Failure(
                .noInput, "\(folder.path.shown) has no folders of classes such as n01440764",
                "name the folder above train and val; for other names of classes use imagefolder:")
        }
        var files = NameTable(), labels: [Int32] = [], omissions = Omissions()
        for (label, name) in classes.enumerated() {
            let images = try folder.holds(name) ? Self.images(in: folder.folder(name)) : []
            if images.isEmpty { try leaveOut(place, folder.path / SystemPath(name), &omissions) }
            for image in images { files.append(SystemPath(name) / image) }
            labels += repeatElement(Int32(label), count: images.count)
        }
        return try LabelledImages(
            place, classNames: classes, labels: labels, FileStore(folder: folder, files: files), omitting: omissions)
    }

    private static func images(in folder: ConfinedFolder) throws -> [SystemPath] {
        try folder.listing().files.filter { $0.hasEnding(ClassFolder.imageEndings) }
    }

    private static func leaveOut(
        _ place: DatasetPlace, _ path: SystemPath, _ omissions: inout Omissions
    ) throws {
        omissions.add(.emptyClass, path)
        guard place.options.keepsEmptyClasses else {
            throw Failure(
                .noInput, "the class \(path.shown) has no images",
                "fill it, or give --allow-empty to keep the class and its label")
        }
    }

    private static func flat(
        _ place: DatasetPlace, _ folder: ConfinedFolder, _ truth: ValidationTruth, _ chosen: Set<String>?
    ) throws -> LabelledImages {
        let classes = truth.classes.filter { chosen?.contains($0) ?? true }
        let numbers = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
        var files = ListedFiles(place, in: folder)
        for (number, label) in truth.byClass(numbers) {
            try files.add(ValidationTruth.name(of: number), label, from: "the devkit")
        }
        return try files.dataset(classes)
    }

    // MARK: The official tars

    /// A tar of one tar for each class.
    private static func trainTar(
        _ place: DatasetPlace, _ path: SystemPath, _ chosen: Set<String>?
    ) throws -> LabelledImages {
        let outer = try TarArchive(path: path.text)
        let inner = (0..<outer.count).compactMap { index -> (name: String, index: Int)? in
            let name = outer.name(at: index)
            let title = String((name.split(separator: "/").last ?? "").dropLast(4))
            return name.hasSuffix(".tar") && isClass(title) && chosen?.contains(title) ?? true ? (title, index) : nil
        }.sorted { $0.name < $1.name }
        guard !inner.isEmpty, Set(inner.map(\.name)).count == inner.count else {
            throw Failure(
                .data, "\(path.shown) does not hold one tar for each class", "fetch ILSVRC2012_img_train.tar again")
        }
        let archives = try inner.map { try TarArchive(outer.section(at: $0.index)) }
        let classes = chosen?.sorted() ?? inner.map(\.name)
        var members: [TarStore.Member] = [], labels: [Int32] = [],
            omissions = TarStore.omissions(of: [outer] + archives)
        for (label, name) in classes.enumerated() {
            let archive = inner.firstIndex { $0.name == name }
            let images = archive.map { Self.images(in: archives[$0]) } ?? []
            if images.isEmpty { try leaveOut(place, path / SystemPath(name), &omissions) }
            for index in images { members.append(.init(archive: Int32(archive ?? 0), index: Int32(index))) }
            labels += repeatElement(Int32(label), count: images.count)
        }
        return try LabelledImages(
            place, classNames: classes, labels: labels, TarStore(archives: archives, members: members),
            omitting: omissions)
    }

    /// By name.
    private static func images(in archive: TarArchive) -> [Int] {
        (0..<archive.count).map { (name: SystemPath(archive.name(at: $0)), index: $0) }
            .filter { $0.name.hasEnding(ClassFolder.imageEndings) }
            .sorted { $0.name < $1.name }.map(\.index)
    }

    private static func validationTar(
        _ place: DatasetPlace, _ path: SystemPath, _ truth: ValidationTruth, _ chosen: Set<String>?
    ) throws -> LabelledImages {
        let archive = try TarArchive(path: path.text)
        let classes = truth.classes.filter { chosen?.contains($0) ?? true }
        let numbers = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
        var places: [Int: Int] = [:]
        for index in 0..<archive.count { number(of: archive.name(at: index)).map { places[$0] = index } }
        var members: [TarStore.Member] = [], labels: [Int32] = [], omissions = TarStore.omissions(of: [archive])
        for (number, label) in truth.byClass(numbers) {
            guard let index = places[number] else {
                omissions.add(.gone, path / SystemPath(ValidationTruth.name(of: number)))
                continue
            }
            members.append(.init(archive: 0, index: Int32(index)))
            labels.append(Int32(label))
        }
        if omissions.count(.gone) > 0 && place.options.isStrict {
            throw Failure(
                .noInput, "\(place.source) leaves out \(omissions.text)", "fetch the tar again, or leave out --strict")
        }
        return try LabelledImages(
            place, classNames: classes, labels: labels, TarStore(archives: [archive], members: members),
            omitting: omissions)
    }
}
