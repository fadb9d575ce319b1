/// A weight divided by its largest singular value σ, and what the way back needs.
package struct SpectralNormalisation {
    /// weight / σ, of the weight's shape.
    package let weight: Tensor
    /// The left singular vector after this step of the power iteration, [1, rows].
    package let left: Tensor
    /// The right one, [1, columns].
    package let right: Tensor
    /// σ, [1, 1].
    package let singularValue: Tensor

    /// A result of a backend's own making.
    package init(weight: Tensor, left: Tensor, right: Tensor, singularValue: Tensor) {
        self.weight = weight
        self.left = left
        self.right = right
        self.singularValue = singularValue
    }
}
