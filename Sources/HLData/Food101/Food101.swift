import HLFormats
import HLTensor

/// Food-101 (https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101): `images/CLASS/`, `meta/train.json` and
/// `meta/test.json`, in the order of torchvision's Food101.
enum Food101 {
    static let kind = DatasetKind(
        name: "food101", abstract: "Food-101: images/ and meta/", splits: ["train", "test"],
        open: { place in
            let folder = try place.base(holding: ["meta"], in: ["food-101"])
            let list = "meta/\(place.split ?? "train").json"
            let shown = "\(folder.path.shown)/\(list)"
            let json = try folder.contents(list).withBytes { try JSONValue(parsing: $0, name: shown) }
            guard let members = json.object?.members else { throw unexpected(shown) }
            let names = try members.flatMap { name, images -> [(label: String, file: Substring)] in
                guard let images = images.array else { throw unexpected(shown) }
                return try images.map { image in
                    guard let image = image.string else { throw unexpected(shown) }
                    return (label: name, file: Substring(image + ".jpg"))
                }
            }
            return try ListedFiles.dataset(place, in: folder, below: "images/", names, from: shown)
        })

    private static func unexpected(_ list: String) -> Failure {
        Failure(.data, "\(list) is no list of images by class", "take it as it was published")
    }
}
