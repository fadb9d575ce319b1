import HLTensor

extension Image {
    /// A rectangle of pixels, from the top left.
    package struct Region: Sendable, Equatable {
        package let left: Int
        package let top: Int
        package let width: Int
        package let height: Int

        package init(left: Int, top: Int, width: Int, height: Int) {
            self.left = left
            self.top = top
            self.width = width
            self.height = height
        }

        /// Whether it has pixels, all of them within an image of this size.
        package func isWithin(width: Int, height: Int) -> Bool {
            left >= 0 && top >= 0 && self.width > 0 && self.height > 0 && left <= width - self.width
                && top <= height - self.height
        }
    }

    /// The pixels of a region, which must lie within the image.
    package func cut(_ region: Region) -> Image {
        precondition(region.isWithin(width: width, height: height))
        return Image(width: region.width, height: region.height) { target in
            withPlanes { source in
                for row in 0..<(3 * region.height) {
                    let line = row / region.height * height + region.top + row % region.height
                    let start = line * width + region.left
                    for column in 0..<region.width { target[row * region.width + column] = source[start + column] }
                }
            }
        }
    }
}
