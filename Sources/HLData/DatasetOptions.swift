/// What a user may say of a data set beside its place.
package struct DatasetOptions: Sendable {
    /// Such as `train`; nil where none was chosen.
    package var split: String?
    /// Whether a class without images is one nevertheless, so that the labels of the others stay.
    package var keepsEmptyClasses = false
    /// Whether an image that a published list names and that is gone ends the run.
    package var isStrict = false

    package init(split: String? = nil, keepsEmptyClasses: Bool = false, isStrict: Bool = false) {
        self.split = split
        self.keepsEmptyClasses = keepsEmptyClasses
        self.isStrict = isStrict
    }
}
