import HLFormats
import HLTensor

/// Pascal VOC 2007 and 2012 (http://host.robots.ox.ac.uk/pascal/VOC), the classification task: `JPEGImages/` and
/// `ImageSets/Main/`, in the order of the lists.
///
/// An image may show several classes, and a sample has one label. So one of three things has to be chosen: the first of the
/// classes that the image shows, in their published (alphabetical) order; that with marks of all classes beside it, of
/// which those that the image shows only as difficult do not count; or one class, which is there or not, as the task is
/// published: images that show it only as difficult are left out of it.
enum VOC {
    static let kind = DatasetKind(
        name: "voc", abstract: "Pascal VOC, classification: JPEGImages/ and ImageSets/Main/",
        splits: ["train", "val", "trainval", "test"], metric: .map11,
        settings: [
            year,
            DatasetSetting(
                "class", .choice(["first", "all"] + classes), standard: "first",
                "the first of an image's classes, marks of all, or whether it shows this one"),
        ],
        open: { try open($0) })

    static let year = DatasetSetting("year", .number(2007...2012), standard: nil, "where DIR has several")

    static let classes = [
        "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
        "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ]

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let folder = try base(place), split = place.split ?? "train", list = list(split)
        let images = try images(of: split, in: folder)
        let chosen = place["class"], isTask = classes.contains(chosen)
        let lists = try (isTask ? [chosen] : classes).map { name in
            try states(of: name, split, in: folder)
        }
        var files = ListedFiles(place, in: folder)
        for image in images {
            let file = "JPEGImages/\(image).jpg"
            _ = try ConfinedFolder.checked(file, from: list)
            let shown = lists.map { $0[image] }
            if isTask {
                // 1 there, -1 not, 0 difficult.
                if let state = shown[0], state != 0 {
                    try files.add(file, state > 0 ? 1 : 0, from: list)
                } else {
                    files.leaveOut(.unlabelled, file)
                }
            } else if chosen == "all", let label = shown.firstIndex(of: 1) ?? shown.firstIndex(of: 0) {
                try files.add(file, label, marks: shown.map { $0 == 1 ? 1 : $0 == -1 ? 0 : 255 }, from: list)
            } else if chosen == "first", let label = shown.firstIndex(where: { $0 == 1 }) {
                try files.add(file, label, from: list)
            } else {
                files.leaveOut(.unlabelled, file)
            }
        }
        return try files.dataset(isTask ? ["no \(chosen)", chosen] : classes)
    }

    static func list(_ split: String) -> String { "ImageSets/Main/\(split).txt" }

    /// The images of a split, in the order of its list.
    static func images(of split: String, in folder: ConfinedFolder) throws -> [Substring] {
        try folder.lines(list(split)).map { $0.split(whereSeparator: \.isWhitespace).first ?? "" }
    }

    /// The folder of one year; more than one has to be told apart.
    static func base(_ place: DatasetPlace) throws -> ConfinedFolder {
        let years = place["year"].isEmpty ? (2007...2012).map(String.init) : [place["year"]]
        let places = years.flatMap { ["VOC\($0)", "VOCdevkit/VOC\($0)"] }
        let marker = "ImageSets/Main"
        let top = try ConfinedFolder(SystemPath(place.path))
        let found = places.filter { top.holds("\($0)/\(marker)") }
        if place["year"].isEmpty && found.count > 1 {
            throw Failure(
                .usage, "\(top.path.shown) holds \(found.joined(separator: " and "))",
                "add ,year=\(found[0].suffix(4)) or another")
        }
        return try place.base(holding: [marker], in: found)
    }

    /// What a class's list says of each image.
    private static func states(
        of name: String, _ split: String, in folder: ConfinedFolder
    ) throws -> [Substring: Int] {
        let list = "ImageSets/Main/\(name)_\(split).txt"
        var states: [Substring: Int] = [:]
        for line in try folder.lines(list) {
            let parts = line.split(whereSeparator: \.isWhitespace)
            guard parts.count == 2, let state = Int(parts[1]), (-1...1).contains(state) else {
                throw Failure(
                    .data, "\(folder.path.shown)/\(list) has the line '\(SystemPath(String(line)).shown)'",
                    "each is an image and 1, 0 or -1: take the list as it was published")
            }
            states[parts[0]] = state
        }
        return states
    }
}
