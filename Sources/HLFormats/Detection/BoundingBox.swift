/// A box in an image by its corners in pixels, which count from 1 and belong to it, as Pascal VOC has them: a box of one
/// pixel has equal corners.
package struct BoundingBox: Sendable, Equatable {
    package let left: Double
    package let top: Double
    package let right: Double
    package let bottom: Double

    package init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// Square pixels; 0 for a box that was clipped to nothing.
    package var area: Double { (right - left + 1) * (bottom - top + 1) }

    /// Whether it can be one: its numbers are finite, and no corner is beyond the other by more than what a box of no
    /// pixels is, and rounding.
    package var isPlausible: Bool {
        [left, top, right, bottom].allSatisfy(\.isFinite) && right - left > -1.5 && bottom - top > -1.5
    }
}
