import HLTensor

/// A tensor of F32 values that a backend holds, in whatever memory and layout suits it.
///
/// Only the backend that made a tensor may look into it; everybody else copies through `Backend.read`. `shape` is the
/// logical shape: [B, C, H, W] for activations, [O, I, k, k] for convolution weights, [B, d] for matrices.
package final class Tensor {
    package let shape: [Int]
    package let storage: any TensorStorage

    package init(shape: [Int], storage: any TensorStorage) {
        self.shape = shape
        self.storage = storage
    }

    package var elementCount: Int { shape.reduce(1, *) }
}

/// What a backend keeps of a tensor.
package protocol TensorStorage: AnyObject {}

/// Geometry of a square two-dimensional convolution or pooling window, in pixels.
package struct Window: Hashable, Sendable {
    package let size: Int
    package let stride: Int
    package let padding: Int

    package init(size: Int, stride: Int = 1, padding: Int = 0) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    /// Output side for an input side.
    package func output(_ side: Int) -> Int { (side + 2 * padding - size) / stride + 1 }
}
