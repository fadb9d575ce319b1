import HLFormats
import HLTensor

/// The Describable Textures Dataset (https://www.robots.ox.ac.uk/~vgg/data/dtd): `images/CLASS/`, `labels/train1.txt` and
/// others, in the order of torchvision's DTD.
enum DTD {
    static let kind = DatasetKind(
        name: "dtd", abstract: "Describable Textures: images/ and labels/", splits: ["train", "val", "test"],
        settings: [DatasetSetting("partition", .number(1...10), standard: "1", "which of the ten published splits")],
        open: { place in
            let folder = try place.base(holding: ["labels"], in: ["dtd", "dtd/dtd"])
            let list = "labels/\(place.split ?? "train")\(place["partition"]).txt"
            let names = try folder.lines(list).map { line -> (label: String, file: Substring) in
                let parts = line.split(separator: "/")
                guard parts.count == 2 else {
                    throw Failure(
                        .data, "\(folder.path.shown)/\(list) has the line '\(SystemPath(String(line)).shown)'",
                        "each is CLASS/IMAGE: take the list as it was published")
                }
                return (label: String(parts[0]), file: line)
            }
            return try ListedFiles.dataset(
                place, in: folder, below: "images/", names, from: "\(folder.path.shown)/\(list)")
        })
}

extension ListedFiles {
    /// A set whose classes are those that its list names, in byte order.
    static func dataset(
        _ place: DatasetPlace, in folder: ConfinedFolder, below prefix: String,
        _ names: [(label: String, file: Substring)], from list: String
    ) throws -> LabelledImages {
        let classes = Set(names.map(\.label)).map { SystemPath($0) }.sorted().map(\.text)
        let numbers = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
        var files = ListedFiles(place, in: folder)
        for (label, file) in names { try files.add(prefix + file, numbers[label] ?? 0, from: list) }
        return try files.dataset(classes)
    }
}
