/// Geometry of a square two-dimensional convolution or pooling window, in pixels.
package struct Window: Hashable, Sendable {
    /// Side.
    package let size: Int
    /// Steps between windows.
    package let stride: Int
    /// Zeros (for pooling: nothing) around the input.
    package let padding: Int

    /// A window of stride 1 without padding unless told otherwise.
    package init(size: Int, stride: Int = 1, padding: Int = 0) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    /// Output side for an input side.
    package func output(_ side: Int) -> Int { (side + 2 * padding - size) / stride + 1 }
}
