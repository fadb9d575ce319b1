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
    /// What lies there and is not read, to be told.
    var omissions: Omissions { get }
    /// The label of image `index`, without reading it.
    func label(at index: Int) -> Int
    /// What image `index` shows of each class: 1 for it does, 0 for it does not, 255 for what does not count either way; nil
    /// in sets whose images have one label.
    func marks(at index: Int) -> ArraySlice<UInt8>?
    /// Reads image `index` < ``count``.
    func sample(at index: Int) throws -> ImageSample
}

extension ImageDataset {
    package func marks(at _: Int) -> ArraySlice<UInt8>? { nil }
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
