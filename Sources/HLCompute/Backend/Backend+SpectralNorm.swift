/// Spectral normalisation, composed of primitives.
extension Backend {
    package func spectralNorm(_ weight: Tensor, left: Tensor, epsilon: Float) -> SpectralNormalisation {
        let rows = weight.shape[0], matrix = reshaped(weight, [rows, weight.elementCount / rows])
        let right = unit(matmul(left, matrix, transposeA: false, transposeB: false), epsilon)
        let image = matmul(right, matrix, transposeA: false, transposeB: true), left = unit(image, epsilon)
        let singularValue = matmul(image, left, transposeA: false, transposeB: true)
        return SpectralNormalisation(
            weight: multiplied(weight, inverse(singularValue)), left: left, right: right, singularValue: singularValue)
    }

    package func spectralNormBackward(_ gradient: Tensor, _ normalisation: SpectralNormalisation) -> Tensor {
        let weight = normalisation.weight, count = weight.elementCount
        let along = matmul(
            reshaped(gradient, [1, count]), reshaped(weight, [1, count]), transposeA: false, transposeB: true)
        let direction = matmul(normalisation.left, normalisation.right, transposeA: true, transposeB: false)
        let across = add(
            reshaped(gradient, weight.shape), scale(multiplied(reshaped(direction, weight.shape), along), by: -1))
        return multiplied(across, inverse(normalisation.singularValue))
    }

    /// A row [1, d] divided by max(|row|, ε).
    private func unit(_ row: Tensor, _ epsilon: Float) -> Tensor {
        let square = matmul(row, row, transposeA: false, transposeB: true)
        // The length as |x|² / |x|; 0 stays 0.
        let length = multiply(square, inverseRoot(square, epsilon: 1e-38))
        let bound = constant(epsilon, shape: [1, 1])
        return multiplied(row, inverse(add(relu(add(length, scale(bound, by: -1))), bound)))
    }

    /// 1 / x of a positive number [1, 1]: there is no division among the primitives.
    private func inverse(_ x: Tensor) -> Tensor { inverseRoot(multiply(x, x), epsilon: 0) }

    /// x times a number [1, 1].
    private func multiplied(_ x: Tensor, _ factor: Tensor) -> Tensor {
        let column = reshaped(x, [x.elementCount, 1])
        return reshaped(matmul(column, factor, transposeA: false, transposeB: false), x.shape)
    }
}
