import HLTensor

/// The detections of one class as Pascal VOC's development kit takes them: a line has the image, the score, and left, top,
/// right and bottom of the box.
package enum DetectionText {
    /// - Throws: `Failure` (noInput, data).
    package static func read(path: SystemPath) throws -> [Detection] {
        try FileDescriptorSource(opening: path).readAll().withBytes { try parse($0, name: path.shown) }
    }

    /// - Parameter name: of the file, for the message.
    package static func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws -> [Detection] {
        var detections: [Detection] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            if words.isEmpty { continue }
            let numbers = words.dropFirst().map { Double(String(decoding: $0, as: UTF8.self)) ?? .nan }
            guard words.count == 6, numbers[0].isFinite, let image = String(validating: words[0], as: UTF8.self) else {
                let shown = SystemPath(bytes: line.prefix(80)).shown
                throw Failure(
                    .data, "line \(index + 1) of \(name) is no detection: '\(shown)'",
                    "write an image, a score, and left, top, right and bottom of a box")
            }
            let box = BoundingBox(left: numbers[1], top: numbers[2], right: numbers[3], bottom: numbers[4])
            guard box.isPlausible else {
                throw Failure(
                    .data, "line \(index + 1) of \(name) has a box that is none",
                    "write left, top, right and bottom in pixels from 1, as Pascal VOC has them")
            }
            detections.append(Detection(image: .text(image), score: numbers[0], box: box))
        }
        return detections
    }
}
