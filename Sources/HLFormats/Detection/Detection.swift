/// What a detector has found.
package struct Detection: Sendable, Equatable {
    package enum ImageName: Sendable, Hashable {
        /// As the data set's list has it, such as `000005`.
        case text(String)
        /// As COCO counts images: the digits of a name, such as 5.
        case number(Int64)
    }

    package let image: ImageName
    package let score: Double
    package let box: BoundingBox
}
