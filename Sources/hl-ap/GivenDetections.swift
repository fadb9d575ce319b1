import HLCommand
import HLData
import HLFormats
import HLStatistics
import HLTensor

/// The detections of all inputs, class by class, on the images of a data set.
struct GivenDetections {
    /// In the order of the data set's classes.
    let classes: [[DetectionScore.Guess]]

    /// - Parameters:
    ///   - inputs: files or folders of the development kit's form, a text for each class, or one file of COCO's.
    ///   - firstCategory: the `category_id` of the first class; nil where the file has to say it.
    /// - Throws: `Failure`: usage, noInput, data, and incompatible for images that are not in the data set.
    init(_ inputs: [String], firstCategory: Int?, on images: AnnotatedImages) throws {
        let places = ImagePlaces(images)
        let given = inputs.map { (path: SystemPath($0), folder: try? Directory($0)) }
        if let input = inputs.first, given.count == 1, given[0].folder == nil, !Self.isText(given[0].path) {
            let found = try DetectionJSON.read(path: input)
            let first = try firstCategory ?? Self.firstCategory(of: found, input, images.classes.count)
            var classes = [[DetectionScore.Guess]](repeating: [], count: images.classes.count)
            for (category, detections) in found.sorted(by: { $0.key < $1.key }) {
                let (index, isBeyond) = category.subtractingReportingOverflow(Int64(first))
                guard !isBeyond, classes.indices.contains(Int(index)) else {
                    throw Failure(
                        .incompatible,
                        "\(SystemPath(input).shown) has category \(category), and there are \(classes.count) classes "
                            + "from \(first) on", "give --first-category 0 or 1")
                }
                classes[Int(index)] = try detections.map { try places.guess($0, of: input) }
            }
            self.classes = classes
            return
        }
        try check(firstCategory == nil, "texts name their class", "leave out --first-category")
        var files: [String: SystemPath] = [:]
        for (path, folder) in given {
            for text in folder?.files.filter(Self.isText).map({ path / $0 }) ?? [path] {
                let name = try Self.className(of: text, images.classes)
                if let other = files.updateValue(text, forKey: name) {
                    throw refuse("\(other.shown) and \(text.shown) are both of \(name)", "give one of them")
                }
            }
        }
        if let missing = images.classes.first(where: { files[$0] == nil }) {
            throw Failure(
                .noInput, "no text is of \(missing)", "give one for each class, an empty one where nothing was found")
        }
        classes = try images.classes.map { name in
            guard let file = files[name] else { return [] }
            return try DetectionText.read(path: file).map { try places.guess($0, of: file.text) }
        }
    }

    private static func isText(_ path: SystemPath) -> Bool { path.hasEnding([".txt"]) }

    /// The class of `comp4_det_test_bird.txt` or `bird.txt`.
    private static func className(of path: SystemPath, _ classes: [String]) throws -> String {
        guard isText(path) else {
            throw refuse(
                "\(path.shown) is no text of a class", "give files such as bird.txt, or one of COCO's form alone")
        }
        let stem = path.text.split(separator: "/").last?.dropLast(4) ?? ""
        guard let name = classes.first(where: { stem == $0 || stem.hasSuffix("_" + $0) }) else {
            throw refuse("\(path.shown) names no class", "give files such as bird.txt or comp4_det_test_bird.txt")
        }
        return name
    }

    /// Classes count from 0 where there is a category 0, and from 1 where there is one as high as their number.
    private static func firstCategory(of found: [Int64: [Detection]], _ input: String, _ count: Int) throws -> Int {
        if found.isEmpty || found.keys.contains(0) { return 0 }
        if found.keys.contains(Int64(count)) { return 1 }
        throw refuse(
            "\(SystemPath(input).shown) does not show whether its categories count from 0 or 1",
            "give --first-category 0, as in detectron2, or 1, as in COCO's form of VOC")
    }
}

/// Where images are in their list, by either of their names.
private struct ImagePlaces {
    private var positions: [Detection.ImageName: Int] = [:]

    init(_ images: AnnotatedImages) {
        for (position, name) in images.names.enumerated() {
            positions[.text(name)] = position
            if let number = Int64(name.filter(\.isNumber)) { positions[.number(number)] = position }
        }
    }

    func guess(_ detection: Detection, of file: String) throws -> DetectionScore.Guess {
        guard let image = positions[detection.image] else {
            let name =
                switch detection.image {
                case .text(let text): SystemPath(String(text.prefix(80))).shown
                case .number(let number): String(number)
                }
            throw Failure(
                .incompatible, "\(SystemPath(file).shown) has a box in image \(name), which is not in the split",
                "give the --split and year that the detector was run on")
        }
        return DetectionScore.Guess(image: image, score: detection.score, box: detection.box)
    }
}
