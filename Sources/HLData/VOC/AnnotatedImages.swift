import HLFormats
import HLTensor

/// The images of a split with the objects that they show: what detections are compared with.
package struct AnnotatedImages: Sendable {
    /// The classes, in their published order.
    package let classes: [String]
    /// The year of the challenge; nil where no folder says it.
    package let year: Int?
    package let split: String
    /// The images' names, each once, in the order of the list.
    package let names: [String]
    /// Of each image.
    package let annotations: [VOCAnnotation]

    /// `voc:DIR` or `voc:DIR,year=2007`.
    package static let kind = DatasetKind(
        name: VOC.kind.name, abstract: "Pascal VOC, detection: Annotations/ and ImageSets/Main/",
        splits: VOC.kind.splits, defaultSplit: "test", settings: [VOC.year], open: VOC.kind.open)

    /// Reads the annotations of every image of a split.
    /// - Throws: `Failure`: usage for what names no such set, noInput for what is missing, data for what is damaged.
    package init(_ text: String, split: String?) throws {
        let (kind, path, settings) = try DatasetName.parse(text, of: [Self.kind])
        let place = try kind.place(path, settings: settings, DatasetOptions(split: split))
        let folder = try VOC.base(place), split = place.split ?? "test", list = VOC.list(split)
        let shown = "\(folder.path.shown)/\(list)"
        let names = try VOC.images(of: split, in: folder).map(String.init)
        guard Set(names).count == names.count else {
            throw Failure(.data, "\(shown) names an image twice", "take the list as it was published")
        }
        guard !names.isEmpty else { throw Failure(.data, "\(shown) names no image", "choose another --split") }
        annotations = try names.map { name in
            let file = "Annotations/\(name).xml"
            _ = try ConfinedFolder.checked(file, from: shown)
            let annotation = try folder.contents(file).withBytes {
                try VOCAnnotation(parsing: $0, name: "\(folder.path.shown)/\(file)")
            }
            if let other = annotation.objects.first(where: { !VOC.classes.contains($0.name) }) {
                throw Failure(
                    .data,
                    "\(folder.path.shown)/\(file) shows '\(SystemPath(other.name).shown)', which is no class of VOC",
                    "take Annotations/ as published")
            }
            return annotation
        }
        (classes, self.names, self.split) = (VOC.classes, names, split)
        year = Int(place["year"]) ?? Self.year(of: folder.path)
    }

    /// That of a folder `VOC2007`.
    private static func year(of folder: SystemPath) -> Int? {
        guard let name = folder.text.split(separator: "/").last, name.hasPrefix("VOC") else { return nil }
        return Int(name.dropFirst(3))
    }
}
