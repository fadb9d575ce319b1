import HLFormats
import HLTensor

/// Birdsnap 1.1 (T. Berg et al., CVPR 2014): `species.txt`, `images.txt` and `test_images.txt`, tables with tabs and a line
/// of titles, and the images that `get_birdsnap.py` could fetch, many of which are gone. In the order of `images.txt`.
enum Birdsnap {
    static let kind = DatasetKind(
        name: "birdsnap", abstract: "Birdsnap 1.1: species.txt, images.txt, test_images.txt and images/",
        splits: ["train", "test"],
        open: { place in
            let folder = try place.base(holding: ["images.txt"], in: ["birdsnap"])
            let species = try Table(folder, "species.txt"), images = try Table(folder, "images.txt")
            let tested = Set(try Table(folder, "test_images.txt").column("path"))
            let ids = try species.column("id"), names = try species.column("common")
            let labels = Dictionary(zip(ids, ids.indices)) { first, _ in first }
            // get_birdsnap.py makes a folder `download` for its images.
            let nested = ["download/images", "images"]
            let below = (folder.first(of: nested) ?? nested[1]) + "/"
            var files = ListedFiles(place, in: folder)
            for (path, id) in zip(try images.column("path"), try images.column("species_id"))
            where tested.contains(path) == (place.split == "test") {
                guard let label = labels[id] else {
                    throw Failure(
                        .data,
                        "\(images.name) names the species '\(SystemPath(String(id)).shown)', which species.txt "
                            + "does not have", "take the lists as they were published")
                }
                try files.add(below + path, label, from: images.name)
            }
            return try files.dataset(names.map(String.init))
        })

    /// Lines of fields with tabs between them, the first of which names the fields.
    private struct Table {
        let name: String
        private let titles: [Substring]
        private let rows: [[Substring]]

        init(_ folder: ConfinedFolder, _ file: String) throws {
            name = "\(folder.path.shown)/\(file)"
            let lines = try folder.lines(file).map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
            titles = lines.first ?? []
            rows = Array(lines.dropFirst())
        }

        func column(_ title: String) throws -> [Substring] {
            guard let position = titles.firstIndex(where: { $0 == title }),
                rows.allSatisfy({ $0.count > position })
            else {
                throw Failure(
                    .data, "\(name) has no column '\(title)' in every line", "take the list as it was published")
            }
            return rows.map { $0[position] }
        }
    }
}
