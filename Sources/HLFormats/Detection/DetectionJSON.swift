import HLTensor

/// Detections as COCO's results are (https://cocodataset.org/#format-results), and as detectron2 writes them: an array of
/// objects with `image_id`, `category_id`, `bbox` (left, top, width and height in pixels from 0) and `score`.
package enum DetectionJSON {
    /// The detections of every category.
    /// - Throws: `Failure` (noInput, data).
    package static func read(path: String) throws -> [Int64: [Detection]] {
        let source = try FileDescriptorSource(path: path)
        return try source.readAll().withBytes { try parse($0, name: source.name) }
    }

    /// - Parameter name: of the file, for the message.
    package static func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws -> [Int64: [Detection]] {
        let name = SystemPath(name).shown
        guard let entries = try JSONValue(parsing: bytes, name: name).array else {
            throw Failure(.data, "\(name) is no array of detections", "write them as COCO's results")
        }
        var detections: [Int64: [Detection]] = [:]
        for (index, entry) in entries.enumerated() {
            func damaged(_ what: String) -> Failure {
                Failure(.data, "detection \(index + 1) of \(name) has \(what)", "write detections as COCO's results")
            }
            let image: Detection.ImageName
            switch entry["image_id"] {
            case .integer(let number): image = .number(number)
            case .string(let text): image = .text(text)
            default: throw damaged("no image_id")
            }
            guard let category = entry["category_id"]?.integer else { throw damaged("no category_id") }
            guard let score = entry["score"]?.number else { throw damaged("no score") }
            let numbers = (entry["bbox"]?.array ?? []).compactMap(\.number)
            guard numbers.count == 4 else { throw damaged("no bbox of four numbers") }
            let box = BoundingBox(
                left: numbers[0] + 1, top: numbers[1] + 1, right: numbers[0] + numbers[2],
                bottom: numbers[1] + numbers[3])
            guard box.isPlausible else { throw damaged("a bbox that is none: it is left, top, width and height") }
            detections[category, default: []].append(Detection(image: image, score: score, box: box))
        }
        return detections
    }
}
