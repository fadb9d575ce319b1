import HLTensor

/// A tensor that a backend holds, in whatever memory and layout suits it.
///
/// Only the backend that made a tensor may look into it; everybody else copies through `Backend.read`. `shape` is the
/// logical shape: [B, C, H, W] for activations, [O, I, k, k] for convolution weights, [B, d] for matrices.
package final class Tensor {
    /// F32; BF16 for activations of that precision, U8 for pixels and choices, I32 for indices.
    package let type: ElementType
    /// The logical shape, whatever the layout.
    package let shape: [Int]
    /// The backend's own.
    package let storage: any TensorStorage

    /// For backends, which alone make tensors.
    package init(_ type: ElementType = .f32, shape: [Int], storage: any TensorStorage) {
        self.type = type
        self.shape = shape
        self.storage = storage
    }

    /// Values, without padding.
    package var elementCount: Int { shape.reduce(1, *) }
}

/// What a backend keeps of a tensor.
package protocol TensorStorage: AnyObject {}
