import HLFormats
import HLTensor

/// FGVC-Aircraft 2013b (https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft): `images/`, `variants.txt`,
/// `images_variant_train.txt` and others, in the order of torchvision's FGVCAircraft.
enum Aircraft {
    static let kind = DatasetKind(
        name: "aircraft", abstract: "FGVC-Aircraft 2013b: data/images/ and data/images_variant_train.txt",
        splits: ["train", "val", "trainval", "test"], defaultSplit: "trainval",
        metric: .meanPerClass,
        settings: [
            DatasetSetting(
                "labels", .choice(["variant", "family", "manufacturer"]), standard: "variant",
                "of 100 variants, 70 families or 30 manufacturers")
        ],
        open: { try open($0) })

    private static let classLists = [
        "variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt",
    ]

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let level = place["labels"]
        let list = "images_\(level)_\(place.split ?? "trainval").txt"
        let folder = try place.base(holding: [list], in: ["data", "fgvc-aircraft-2013b/data"])
        let classes = try folder.lines(classLists[level] ?? "").map(trimmed)
        let numbers = Dictionary(zip(classes, classes.indices)) { first, _ in first }
        let shown = "\(folder.path.shown)/\(list)"
        var files = ListedFiles(place, in: folder)
        for line in try folder.lines(list) {
            // Classes have spaces in their names.
            let parts = trimmed(line).split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let label = numbers[String(parts[1])] else {
                throw Failure(
                    .data, "\(shown) has the line '\(SystemPath(String(line)).shown)', which names no \(level)",
                    "take the lists as they were published")
            }
            try files.add("images/\(parts[0]).jpg", label, from: shown)
        }
        return try files.dataset(classes)
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.drop(while: \.isWhitespace)
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }
}
