import HLCommand
import HLEncoders
import HLFormats
import HLGenerators
import HLStatistics
import HLTensor

/// How often a classifier is right on labelled images, which says how far its word on generated ones can be trusted.
struct ClassifierTest {
    let name: String
    let right: Proportion

    /// - Parameter path: of a stream of images with labels.
    /// - Throws: `Failure`: data for an empty stream or one without labels, incompatible for a class that the classifier
    ///   does not know.
    init(_ classifier: ImageClassifier, path: String) throws {
        let reader = try StreamInput.open(path: path), backend = classifier.encoder.backend
        let renderer = try Renderer(reader.header, on: backend)
        let names = reader.header.classNames, numbers = classifier.names.map(Self.numbers)
        let batches = ReadAhead(reader), progress = Progress(total: reader.expectedSamples)
        var count = 0, total = 0
        while let batch = try batches.next() {
            if total == 0 {
                classifier.encoder.warnAboutSize(of: try renderer.hostImages(of: 0, in: batch).shape)
            }
            let images = try renderer.images(of: [0], in: batch, on: backend)
            let labels = try batch.require("y", .i64, rank: 1).integers
            for (label, told) in zip(labels, try classifier.classes(of: .device(images))) {
                let title = Int(exactly: label).flatMap { names?.indices.contains($0) == true ? names?[$0] : nil }
                // By name where the classifier has names.
                let own = numbers.map { $0[title ?? String(label)] } ?? Int(exactly: label)
                guard let own, (0..<classifier.classes).contains(own) else {
                    throw Failure(
                        .incompatible,
                        "\(reader.name) has the class \(title ?? String(label)), which the classifier does not know",
                        "test it on images of the classes that it was trained on")
                }
                count += own == told ? 1 : 0
            }
            total += batch.count
            progress.advance(by: batch.count)
        }
        progress.finish()
        guard total > 0 else {
            throw Failure(.data, "\(reader.name) has no samples", "give --test labelled images")
        }
        name = reader.name
        right = Proportion(count: count, total: total)
    }

    private static func numbers(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
    }
}
