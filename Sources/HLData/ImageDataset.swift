import HLFormats

/// Labelled images in a fixed order.
package protocol ImageDataset: Sendable {
    /// Where the images come from, for messages, such as `imagefolder:photos/train`.
    var source: String { get }
    /// What tells the data set from others, the first members of a stream's `hl.data`: kind, place, split, and a
    /// `fingerprint` of what lies there, which does not depend on how the place was written.
    var identity: JSONObject { get }
    /// The names of the classes; labels are positions in this list.
    var classNames: [String] { get }
    var count: Int { get }
    /// The programs that the images have gone through before, where they are of a stream.
    var history: [HistoryEntry] { get }
    /// What lies there and is not read, to be told.
    var omissions: Omissions { get }
    /// The label of image `index`, a position in ``classNames``, without decoding it.
    /// - Throws: `Failure` (data) where it stands in what is damaged, or is none.
    func label(at index: Int) throws -> Int
    /// Fetches image `index` < ``count``, to be decoded.
    func encodedSample(at index: Int) throws -> EncodedSample
    /// What image `index` shows of each class: 1 for it does, 0 for it does not, 255 for what does not count either way; nil
    /// in sets whose images have one label.
    func marks(at index: Int) throws -> ArraySlice<UInt8>?
}

extension ImageDataset {
    package var history: [HistoryEntry] { [] }

    package func marks(at _: Int) -> ArraySlice<UInt8>? { nil }

    /// Reads image `index` < ``count``.
    package func sample(at index: Int) throws -> ImageSample {
        let sample = try encodedSample(at: index)
        return ImageSample(image: try sample.image.decoded(), label: sample.label, path: sample.image.name)
    }
}

/// One labelled image that has not been decoded.
package struct EncodedSample: Sendable {
    /// Its number in the stream: the position in the data set, where that has no ids of its own.
    package let id: Int64
    package let label: Int
    package let image: EncodedImage
}

/// One labelled image.
package struct ImageSample: Sendable {
    package let image: Image
    package let label: Int
    /// What messages call the image.
    package let path: String

    package init(image: Image, label: Int, path: String) {
        self.image = image
        self.label = label
        self.path = path
    }
}
