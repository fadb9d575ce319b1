import HLFormats
import HLTensor

/// CIFAR-10 and CIFAR-100 in their Python form or their binary one (https://www.cs.toronto.edu/~kriz/cifar.html), in the
/// order of torchvision's CIFAR10 and CIFAR100.
enum CIFAR {
    static let cifar10 = DatasetKind(
        name: "cifar10", abstract: "CIFAR-10: data_batch_1 and others, or the same as .bin", splits: ["train", "test"],
        open: { place in
            let batches = place.split == "test" ? ["test_batch"] : (1...5).map { "data_batch_\($0)" }
            let folder = try place.base(
                holding: [batches[0], "\(batches[0]).bin"], in: ["cifar-10-batches-py", "cifar-10-batches-bin"])
            guard folder.holds(batches[0]) else {
                return try dataset(
                    place,
                    try batches.map { try CIFARFile(binary: folder.file("\($0).bin").text, kind: .cifar10) },
                    try CIFARClassNames(text: folder.file("batches.meta.txt").text), batches.map { "\($0).bin" })
            }
            return try dataset(
                place, try batches.map { try CIFARFile(pickle: folder.file($0).text) },
                try CIFARClassNames(pickle: folder.file("batches.meta").text), batches)
        })

    static let cifar100 = DatasetKind(
        name: "cifar100", abstract: "CIFAR-100: train and test, or train.bin and test.bin", splits: ["train", "test"],
        settings: [
            DatasetSetting("labels", .choice(["fine", "coarse"]), standard: "fine", "of 100 classes or of 20")
        ],
        open: { place in
            let file = place.split ?? "train"
            let folder = try place.base(
                holding: [file, "\(file).bin"], in: ["cifar-100-python", "cifar-100-binary"])
            guard folder.holds(file) else {
                let names = try CIFARClassNames(
                    text: folder.file("fine_label_names.txt").text, coarse: folder.file("coarse_label_names.txt").text)
                return try dataset(
                    place, [try CIFARFile(binary: folder.file("\(file).bin").text, kind: .cifar100)], names,
                    ["\(file).bin"])
            }
            return try dataset(
                place, [try CIFARFile(pickle: folder.file(file).text)],
                try CIFARClassNames(pickle: folder.file("meta").text), [file])
        })

    private static func dataset(
        _ place: DatasetPlace, _ files: [CIFARFile], _ names: CIFARClassNames, _ titles: [String]
    ) throws -> LabelledImages {
        let kind: CIFARKind = place.kind == "cifar10" ? .cifar10 : .cifar100
        guard files.allSatisfy({ $0.kind == kind }), (names.coarseNames != nil) == (kind == .cifar100) else {
            let other = kind == .cifar10 ? "cifar100" : "cifar10"
            throw Failure(.data, "\(place.source) holds \(other)", "name it as \(other):\(place.path)")
        }
        let isCoarse = place["labels"] == "coarse"
        let labels = files.flatMap { (isCoarse ? $0.coarseLabels ?? [] : $0.labels).map(Int32.init) }
        let starts = files.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        @Sendable func locate(_ index: Int) -> (file: Int, image: Int) {
            let file = (starts.firstIndex { $0 > index } ?? starts.count) - 1
            return (file, index - starts[file])
        }
        let store = PixelStore(
            count: labels.count,
            file: { index in
                let (file, image) = locate(index)
                return "image \(image) of \(place.path)/\(titles[file])"
            },
            pixels: { index in
                let (file, image) = locate(index)
                return files[file].image(at: image)
            })
        return try LabelledImages(
            place, classNames: isCoarse ? names.coarseNames ?? [] : names.names, labels: labels, store)
    }
}
