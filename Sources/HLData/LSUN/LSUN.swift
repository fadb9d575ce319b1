import HLFormats
import HLTensor

/// LSUN (https://www.yf.io/p/lsun): LMDB databases of encoded images, in the order of their keys. Scenes lie in
/// `CATEGORY_train_lmdb` and others, as torchvision's LSUN reads them: classes are the categories that are there, in its
/// order. A database by itself, such as `car` of the objects, is one class.
enum LSUN {
    static let kind = DatasetKind(
        name: "lsun", abstract: "LSUN: CATEGORY_train_lmdb/ and others, or one database",
        splits: ["train", "val", "test"],
        settings: [
            DatasetSetting(
                "crop", .choice(["none", "cars"]), standard: "none",
                "cars: as StyleGAN2's, 384 of 512 pixels, without those that are smaller")
        ] + SeededSplit.settings,
        open: { try SeededSplit.open($0, open) })

    private static let categories = [
        "bedroom", "bridge", "church_outdoor", "classroom", "conference_room", "dining_room", "kitchen", "living_room",
        "restaurant", "tower",
    ]

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let folder = try ConfinedFolder(SystemPath(place.path))
        let split = place.split ?? "train"
        let scenes = split == "test" ? ["test"] : categories.map { "\($0)_\(split)" }
        let found = scenes.filter { folder.holds("\($0)_lmdb/data.mdb") }
        let isSingle = folder.holds("data.mdb")
        guard isSingle || !found.isEmpty else {
            throw Failure(
                .noInput, "\(folder.path.shown) has no data.mdb and none of \(scenes[0])_lmdb and others",
                "name the folder that the published zips were unpacked in, or that of one database")
        }
        guard !isSingle || place.options.split == nil else {
            throw Failure(.usage, "\(folder.path.shown) is a single database, without splits", "leave out --split")
        }
        let databases = try (isSingle ? ["data.mdb"] : found.map { "\($0)_lmdb/data.mdb" }).map {
            try LMDBFile(path: folder.file($0).text)
        }
        var omissions = Omissions(), store = DatabaseStore(databases)
        if place["crop"] == "cars" {
            let chosen = try CarCrop.suitable(store)
            omissions.add(.small, count: store.count - chosen.count, folder.path)
            store = DatabaseStore(databases, chosen: chosen, crop: CarCrop.crop)
        }
        let name = folder.path.text.split(separator: "/").last.map(String.init) ?? "image"
        return try LabelledImages(
            place,
            classNames: isSingle ? [name] : found.map { $0 == "test" ? $0 : String($0.dropLast(split.count + 1)) },
            labels: (0..<store.count).map { Int32(store.database(of: $0)) }, store, omitting: omissions)
    }
}
