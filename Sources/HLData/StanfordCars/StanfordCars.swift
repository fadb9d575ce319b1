import HLFormats
import HLTensor

/// Stanford Cars (https://ai.stanford.edu/~jkrause/cars/car_dataset.html): `cars_train/`, `cars_test/`, `devkit/` and
/// `cars_test_annos_withlabels.mat`, in the order of torchvision's StanfordCars.
enum StanfordCars {
    static let kind = DatasetKind(
        name: "cars", abstract: "Stanford Cars: cars_train/, cars_test/, devkit/, cars_test_annos_withlabels.mat",
        splits: ["train", "test"], open: { try open($0) })

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let isTest = place.split == "test"
        let folder = try place.base(holding: ["devkit"], in: ["stanford_cars"])
        let lists =
            isTest
            ? ["cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"]
            : ["devkit/cars_train_annos.mat"]
        let list = try folder.file(folder.first(of: lists) ?? lists[0]).text
        let meta = try folder.file("devkit/cars_meta.mat").text
        guard let classes = try MatFile(path: meta).value("class_names").texts, !classes.isEmpty else {
            throw Failure(.data, "\(meta): 'class_names' is no list of names", "fetch it again")
        }
        guard let annotations = try MatFile(path: list).value("annotations").structures else {
            throw Failure(.data, "\(list): 'annotations' is no list", "fetch it again")
        }
        var files = ListedFiles(place, in: folder)
        for index in 0..<annotations.count {
            guard let name = annotations[index, "fname"]?.text,
                let label = annotations[index, "class"]?.integer, (1...classes.count).contains(label)
            else {
                throw Failure(
                    .data, "\(list): image \(index + 1) has no file name, or no class of 1 to \(classes.count)",
                    "take the list with labels, as it was published")
            }
            try files.add("\(isTest ? "cars_test" : "cars_train")/\(name)", label - 1, from: list)
        }
        return try files.dataset(classes)
    }
}
