import HLFormats
import HLTensor

/// Caltech-101 (https://data.caltech.edu/records/mzrjq-6wc02): `101_ObjectCategories/CLASS/image_0001.jpg`, without the
/// background, in the order of torchvision's Caltech101, which is the split `all`. The set has no published split: of each
/// class `train` images, drawn by seed, are for training and the rest for testing, as is usual.
enum Caltech101 {
    static let kind = DatasetKind(
        name: "caltech101", abstract: "Caltech-101: 101_ObjectCategories/", splits: ["train", "test", "all"],
        metric: .meanPerClass,
        settings: [
            DatasetSetting("train", .number(1...1_000_000), standard: "30", "images of each class in train"),
            DatasetSetting("split-seed", .seed, standard: "0", "of the draw"),
        ],
        open: { try open($0) })

    private static let categories = "101_ObjectCategories"

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let folder = try place.base(holding: [categories], in: ["caltech101", "caltech-101"])
        let classes = try folder.folder(categories).listing().folders.filter {
            $0.text != "BACKGROUND_Google" && !ClassFolder.isForeign($0)
        }
        let seed = UInt64(place["split-seed"]) ?? 0, trained = Int(place["train"]) ?? 30
        var files = ListedFiles(place, in: folder)
        for (label, name) in classes.enumerated() {
            let path = SystemPath(categories) / name
            let images = try folder.folder(path).listing().files.filter { $0.hasEnding([".jpg"]) }
            let order = Permutation(count: images.count, seed: seed, purpose: .split, group: label)
            let drawn = Set(order.elements(at: 0..<min(trained, images.count)))
            for (index, image) in images.enumerated()
            where place.split == "all" || drawn.contains(index) == (place.split == "train") {
                try files.add((path / image).text, label, from: folder.path.shown)
            }
        }
        return try files.dataset(classes.map(\.text))
    }
}
