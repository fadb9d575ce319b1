import HLFormats
import HLTensor

/// The Oxford-IIIT Pets (https://www.robots.ox.ac.uk/~vgg/data/pets): `images/`, `annotations/trainval.txt` and
/// `annotations/test.txt`, in the order of torchvision's OxfordIIITPet.
enum Pets {
    static let kind = DatasetKind(
        name: "pets", abstract: "Oxford-IIIT Pets: images/ and annotations/", splits: ["trainval", "test"],
        metric: .meanPerClass,
        settings: [
            DatasetSetting("labels", .choice(["breed", "species"]), standard: "breed", "of 37 breeds, or cat and dog")
        ],
        open: { try open($0) })

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let folder = try place.base(holding: ["annotations"], in: ["oxford-iiit-pet"])
        let list = "annotations/\(place.split ?? "trainval").txt"
        let shown = "\(folder.path.shown)/\(list)"
        let isSpecies = place["labels"] == "species"
        var files = ListedFiles(place, in: folder), breeds: [Int: String] = [:]
        for (number, line) in try folder.lines(list).enumerated() where line.first != "#" {
            // Image, breed from 1, species from 1, breed within the species.
            let parts = line.split(whereSeparator: \.isWhitespace)
            guard parts.count == 4, let breed = Int(parts[1]), (1...1000).contains(breed), let species = Int(parts[2]),
                (1...2).contains(species)
            else {
                throw Failure(
                    .data, "\(shown): line \(number + 1) is no image with breed and species",
                    "take the list as it was published")
            }
            breeds[breed] = breeds[breed] ?? title(of: parts[0])
            try files.add("images/\(parts[0]).jpg", isSpecies ? species - 1 : breed - 1, from: shown)
        }
        // A breed of which the list has no image keeps its label.
        let names = (1...max(1, breeds.keys.max() ?? 1)).map { breeds[$0] ?? "breed \($0)" }
        return try files.dataset(isSpecies ? ["Cat", "Dog"] : names)
    }

    /// `american_bulldog_12` is an American Bulldog.
    private static func title(of image: Substring) -> String {
        let words = image.split(separator: "_", omittingEmptySubsequences: false)
        return words.dropLast(words.count > 1 ? 1 : 0)
            .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: " ")
    }
}
