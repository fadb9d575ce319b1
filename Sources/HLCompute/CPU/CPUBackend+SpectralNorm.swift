import CKernels
import HLTensor

/// Spectral normalisation in three passes over a weight, two back. Sums run down rows in one order, in double precision
/// where they decide a length, at any number of threads.
extension CPUBackend {
    package func spectralNorm(_ weight: Tensor, left: Tensor, epsilon: Float) -> SpectralNormalisation {
        let rows = weight.shape[0], columns = weight.elementCount / rows, weight = plain(weight)
        let right = allocate([1, columns]), image = allocate([1, rows]), result = allocate(weight.shape)
        parallel(columns, grain: max(1, Self.elementGrain / rows)) { range in
            let target = right.floats + range.lowerBound
            hl_fill(target, 0, range.count)
            for row in 0..<rows {
                hl_axpy(left.floats[row], weight.floats + row * columns + range.lowerBound, target, range.count)
            }
        }
        normalise(right, epsilon)
        parallel(rows, grain: max(1, Self.elementGrain / columns)) {
            for row in $0 { image.floats[row] = Float(hl_dot(weight.floats + row * columns, right.floats, columns)) }
        }
        let new = copy(image)
        normalise(new, epsilon)
        let singularValue = Float(hl_dot(image.floats, new.floats, rows))
        forEachElement(weight) { hl_scale(1 / singularValue, weight.floats + $0, result.floats + $0, $1) }
        return SpectralNormalisation(
            weight: result, left: new, right: right, singularValue: constant(singularValue, shape: [1, 1]))
    }

    /// A row divided by max(|row|, ε), in place.
    private func normalise(_ row: Tensor, _ epsilon: Float) {
        let count = row.elementCount, length = Float(hl_dot(row.floats, row.floats, count).squareRoot())
        hl_scale(1 / max(length, epsilon), row.floats, row.floats, count)
    }

    /// With σ = u W vᵀ and u, v held constant: dW = (g − ⟨g, W/σ⟩ uᵀ v) / σ.
    package func spectralNormBackward(_ gradient: Tensor, _ normalisation: SpectralNormalisation) -> Tensor {
        let weight = normalisation.weight, rows = weight.shape[0], columns = weight.elementCount / rows
        precondition(gradient.shape == weight.shape)
        let gradient = plain(gradient), result = allocate(weight.shape)
        let products = (0..<rows).map {
            hl_dot(gradient.floats + $0 * columns, weight.floats + $0 * columns, columns)
        }
        let along = products.reduce(0, +), inverse = 1 / normalisation.singularValue.floats[0]
        parallel(rows, grain: max(1, Self.elementGrain / columns)) {
            for row in $0 {
                let target = result.floats + row * columns
                hl_scale(inverse, gradient.floats + row * columns, target, columns)
                let slope = -Float(along) * normalisation.left.floats[row] * inverse
                hl_axpy(slope, normalisation.right.floats, target, columns)
            }
        }
        return result
    }
}
