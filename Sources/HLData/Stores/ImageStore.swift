import HLFormats
import HLTensor

/// Where the images of a data set lie, in the data set's order.
protocol ImageStore: Sendable {
    var count: Int { get }
    /// What messages call an image.
    func name(at index: Int) -> String
    /// - Throws: `Failure` that names the image.
    func image(at index: Int) throws -> Image
    /// Tells the images from others, wherever they lie.
    func describe(to content: inout ContentFingerprint)
}

/// Labelled images of any store: what most data sets are once their lists have been read.
struct LabelledImages: ImageDataset {
    let place: DatasetPlace
    let classNames: [String]
    let omissions: Omissions
    let store: any ImageStore
    private let labels: [Int32]
    /// Image by image and class by class; empty where images have one label.
    private let marks: [UInt8]

    var source: String { place.source }
    var count: Int { labels.count }

    /// - Parameters:
    ///   - labels: one for each image of the store, positions in `classNames`.
    ///   - marks: as `marks(at:)` has them, for all images one after the other; empty for none.
    /// - Throws: `Failure(.noInput)` for no images.
    init(
        _ place: DatasetPlace, classNames: [String], labels: [Int32], _ store: any ImageStore,
        marks: [UInt8] = [], omitting omissions: Omissions = Omissions()
    ) throws {
        precondition(marks.isEmpty || marks.count == labels.count * classNames.count)
        precondition(labels.count == store.count)
        precondition(labels.allSatisfy { classNames.indices.contains(Int($0)) })
        guard !labels.isEmpty else {
            let rest = omissions.isEmpty ? "" : ", but \(omissions.text)"
            throw Failure(
                .noInput, "\(place.source) has no images\(rest)",
                "name the folder that the published archives were unpacked in")
        }
        self.place = place
        self.classNames = classNames
        self.labels = labels
        self.marks = marks
        self.store = store
        self.omissions = omissions
    }

    var identity: JSONObject {
        var object = place.identity
        var content = ContentFingerprint()
        store.describe(to: &content)
        object["fingerprint"] = .string(content.text)
        return object
    }

    func label(at index: Int) -> Int { Int(labels[index]) }

    func marks(at index: Int) -> ArraySlice<UInt8>? {
        marks.isEmpty ? nil : marks[(index * classNames.count)..<((index + 1) * classNames.count)]
    }

    func sample(at index: Int) throws -> ImageSample {
        ImageSample(image: try store.image(at: index), label: label(at: index), path: store.name(at: index))
    }
}
