/// What a user may say of a data set beside its place.
package struct DatasetOptions: Sendable {
    /// Such as `train`; nil where none was chosen.
    package var split: String?
    /// Whether a class without images is one nevertheless, so that the labels of the others stay.
    package var keepsEmptyClasses = false

    package init(split: String? = nil, keepsEmptyClasses: Bool = false) {
        self.split = split
        self.keepsEmptyClasses = keepsEmptyClasses
    }
}

/// One kind of data set: what it is called, and how one is opened.
package struct DatasetKind: Sendable {
    /// As a user writes it before the colon, such as `imagefolder`.
    package let name: String
    /// What a user writes behind the colon, such as `DIR`.
    package let place: String
    /// What lies there, in a few words for help.
    package let abstract: String
    /// Opens the data set at a path. A kind that has no splits, or needs one, refuses what does not fit.
    let open: @Sendable (_ path: String, _ options: DatasetOptions) throws -> any ImageDataset

    /// How a user writes it, such as `imagefolder:DIR`.
    package var form: String { "\(name):\(place)" }
}
