/// Geometry of a square two-dimensional convolution or pooling window, in pixels.
package struct Window: Hashable, Sendable {
    /// Side.
    package let size: Int
    /// Steps between windows.
    package let stride: Int
    /// Zeros (for pooling: nothing) around the input.
    package let padding: Int
    /// Further zeros behind its last row and column, for convolutions alone.
    package let trailing: Int

    /// A window of stride 1 without padding unless told otherwise.
    package init(size: Int, stride: Int = 1, padding: Int = 0, trailing: Int = 0) {
        self.size = size
        self.stride = stride
        self.padding = padding
        self.trailing = trailing
    }

    /// TensorFlow's padding SAME for an input side: ⌈side / stride⌉ windows, and where the zeros that this takes are odd in
    /// number, the odd one lies behind (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
    package static func same(size: Int, stride: Int, side: Int) -> Window {
        let count = (side + stride - 1) / stride
        let zeros = max((count - 1) * stride + size - side, 0)
        return Window(size: size, stride: stride, padding: zeros / 2, trailing: zeros % 2)
    }

    /// Output side for an input side.
    package func output(_ side: Int) -> Int { (side + 2 * padding + trailing - size) / stride + 1 }

    /// What a depthwise convolution makes of a shape [N, C, H, W]: it keeps samples and channels.
    func depthwiseOutput(_ shape: [Int]) -> [Int] { [shape[0], shape[1], output(shape[2]), output(shape[3])] }
}
