import HLFormats
import HLTensor

/// Oxford 102 Flowers (https://www.robots.ox.ac.uk/~vgg/data/flowers/102): `jpg/`, `imagelabels.mat`, `setid.mat`, in the
/// order of torchvision's Flowers102.
enum Flowers102 {
    static let kind = DatasetKind(
        name: "flowers102", abstract: "Oxford 102 Flowers: jpg/, imagelabels.mat and setid.mat",
        splits: ["train", "val", "test"], metric: .meanPerClass, open: { try open($0) })

    private static var classCount: Int { names.count }
    private static let variables = ["train": "trnid", "val": "valid", "test": "tstid"]

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let folder = try place.base(holding: ["setid.mat"], in: ["flowers-102"])
        func numbers(_ file: String, _ variable: String) throws -> [Int] {
            let path = try folder.file(file).text
            guard let numbers = try MatFile(path: path).value(variable).numbers?.integers else {
                throw Failure(.data, "\(path): '\(variable)' does not hold whole numbers", "fetch it again")
            }
            return numbers
        }
        let labels = try numbers("imagelabels.mat", "labels")
        let list = "\(folder.path.shown)/setid.mat"
        var files = ListedFiles(place, in: folder)
        for number in try numbers("setid.mat", variables[place.split ?? ""] ?? "trnid") {
            guard labels.indices.contains(number - 1) else {
                throw Failure(.data, "\(list) names image \(number), and there are \(labels.count)", "fetch it again")
            }
            guard (1...classCount).contains(labels[number - 1]) else {
                throw Failure(
                    .data, "imagelabels.mat gives image \(number) the class \(labels[number - 1]) of \(classCount)",
                    "fetch it again")
            }
            let digits = String(number)
            let name = "jpg/image_\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).jpg"
            try files.add(name, labels[number - 1] - 1, from: list)
        }
        return try files.dataset(names)
    }
}
