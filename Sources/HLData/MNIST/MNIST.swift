import HLFormats
import HLTensor

/// MNIST and Fashion-MNIST: idx files, gzipped or not, in the order of torchvision's MNIST and FashionMNIST.
enum MNIST {
    static let mnist = DatasetKind(
        name: "mnist", abstract: "MNIST: train-images-idx3-ubyte and others, gzipped or not",
        splits: ["train", "test"],
        open: { place in
            try dataset(
                place, ["MNIST/raw", "raw"],
                [
                    "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
                    "8 - eight", "9 - nine",
                ])
        })

    static let fashion = DatasetKind(
        name: "fashion-mnist", abstract: "Fashion-MNIST: the same files", splits: ["train", "test"],
        open: { place in
            try dataset(
                place, ["FashionMNIST/raw", "raw"],
                [
                    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                    "Ankle boot",
                ])
        })

    private static func dataset(
        _ place: DatasetPlace, _ nested: [String], _ classNames: [String]
    ) throws -> LabelledImages {
        let part = place.split == "test" ? "t10k" : "train"
        /// The names under which a file is found, unpacked by hand or not.
        func names(_ what: String, _ dimensions: Int) -> [String] {
            ["-", "."].flatMap { point in
                ["", ".gz"].map { "\(part)-\(what)\(point)idx\(dimensions)-ubyte\($0)" }
            }
        }
        let folder = try place.base(holding: names("images", 3), in: nested)
        let file = try folder.file(folder.first(of: names("images", 3)) ?? names("images", 3)[0])
        let labelFile = try folder.file(folder.first(of: names("labels", 1)) ?? names("labels", 1)[0])
        let images = try Idx.read(path: file.text), labels = try Idx.read(path: labelFile.text)
        guard images.type == .u8, images.shape.count == 3, images.shape[1] > 0, images.shape[2] > 0 else {
            throw Failure(.data, "\(file.shown) holds no grey images", "fetch it again")
        }
        guard labels.type == .u8, labels.shape == [images.shape[0]] else {
            throw Failure(
                .data,
                "\(labelFile.shown) does not have one label for each of the \(images.shape[0]) images of "
                    + "\(file.shown)", "fetch both again")
        }
        let numbers = labels.withUnsafeElements(as: UInt8.self) { $0.map(Int32.init) }
        if let wrong = numbers.firstIndex(where: { $0 >= 10 }) {
            throw Failure(
                .data, "\(labelFile.shown): image \(wrong) has the label \(numbers[wrong]), and there are 10 classes",
                "fetch it again")
        }
        let (height, width) = (images.shape[1], images.shape[2])
        try Image.checkSize(width: width, height: height, name: file.shown)
        let store = PixelStore(
            count: numbers.count, file: { "image \($0) of \(file.shown)" },
            pixels: { index in
                Image(width: width, height: height) { planes in
                    images.withUnsafeElements(as: UInt8.self) { source in
                        let grey = source[(index * width * height)..<((index + 1) * width * height)]
                        for plane in 0..<3 {
                            for (position, level) in zip(0..., grey) {
                                planes[plane * width * height + position] = level
                            }
                        }
                    }
                }
            })
        return try LabelledImages(place, classNames: classNames, labels: numbers, store)
    }
}
