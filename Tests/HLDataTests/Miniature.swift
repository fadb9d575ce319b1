import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

/// A published set in small: its lists from `Fixtures/sets`, images of our own in the places that the answers name.
struct Miniature {
    let folder = Scratch()
    /// By the split and the settings, such as `train labels=species`.
    let answers: [(key: String, answer: Answer)]

    /// What torchvision reads.
    struct Answer {
        /// Empty where torchvision does not name them.
        let classes: [String]
        /// A path, or a grey level where the images lie in other files, and the label.
        let images: [(place: JSONValue, label: Int, grey: Int?)]
    }

    static func fixture(_ name: String) -> URL {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/sets/\(name)")
    }

    init(_ set: String) throws {
        let name = Self.fixture("answers.json").path
        let all = try JSONValue(parsing: String(contentsOfFile: name, encoding: .utf8), name: name)
        answers = try #require(all.object).members.filter { $0.key.hasPrefix("\(set) ") }.map { key, value in
            let images = try #require(value["images"]?.array).map { entry in
                let parts = try #require(entry.array)
                return (
                    parts[0], Int(try #require(parts[1].integer)),
                    parts.count > 2 ? parts[2].integer.map(Int.init) : nil
                )
            }
            let classes = try #require(value["classes"]?.array).compactMap(\.string)
            return (String(key.dropFirst(set.count + 1)), Answer(classes: classes, images: images))
        }
        #expect(!answers.isEmpty)
        let lists = Self.fixture(set)
        if FileManager.default.fileExists(atPath: lists.path) {
            try FileManager.default.copyItem(at: lists, to: URL(fileURLWithPath: folder.path))
        }
    }

    /// Writes every image that an answer names.
    func fill() throws {
        for (_, answer) in answers {
            for image in answer.images {
                guard let path = image.place.string else { continue }
                try folder.write(Self.grey(of: path), to: path)
            }
        }
    }

    /// So that images can be told apart.
    static func grey(of path: String) -> UInt8 { UInt8(truncatingIfNeeded: StableHash(path).value >> 7) }

    /// Opens the set as an answer's key says, such as `train labels=species`.
    func open(_ set: String, _ key: String, strict: Bool = false) throws -> any ImageDataset {
        let parts = key.split(separator: " ")
        let settings = parts.dropFirst().map { ",\($0)" }.joined()
        return try Datasets.open(
            "\(set):\(folder.path)\(settings)", DatasetOptions(split: String(parts[0]), isStrict: strict))
    }

    /// Classes, labels, order and pixels of every answer.
    func check(_ set: String) throws {
        for (key, answer) in answers {
            let dataset = try open(set, key, strict: true)
            #expect(answer.classes.isEmpty || dataset.classNames == answer.classes, "\(key)")
            #expect(try (0..<dataset.count).map(dataset.label) == answer.images.map(\.label), "\(key)")
            #expect(dataset.omissions.isEmpty, "\(key): \(dataset.omissions.text)")
            for (index, image) in answer.images.enumerated() {
                let sample = try dataset.sample(at: index)
                let named = image.place.string.map { Int(Self.grey(of: $0)) }
                let grey = try #require(image.place.integer.map(Int.init) ?? image.grey ?? named)
                // JPEG and WebP are lossy.
                #expect(
                    sample.image.withPlanes { abs(Int($0[0]) - grey) } <= (set == "lsun" ? 2 : 0), "\(key) \(index)")
                #expect(sample.label == image.label && sample.path.contains(folder.path))
            }
        }
    }
}
