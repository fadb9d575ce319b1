import HLTensor

/// Matrices, composed of primitives: sums are products with ones.
extension Backend {
    package func projectRows(_ x: Tensor, _ weight: Tensor) -> Tensor {
        let rows = (0..<x.shape[0]).map {
            matmul(self.rows(x, $0..<$0 + 1), weight, transposeA: false, transposeB: true)
        }
        return rows.isEmpty ? constant(0, shape: [0, weight.shape[0]]) : concatenate(rows)
    }

    package func forEachTile(
        _ x: Tensor, _ y: Tensor, _ tiling: PairTiling, _ body: (PairTiling.Tile, UnsafePointer<Float>) -> Void
    ) throws {
        for number in 0..<tiling.count {
            let tile = tiling[number]
            let products = try read(projectRows(rows(x, tile.rows), rows(y, tile.columns)))
            products.withUnsafeElements(as: Float.self) { values in
                if let start = values.baseAddress { body(tile, start) }
            }
        }
    }

    package func addRowVector(_ vector: Tensor, to matrix: Tensor) {
        let row = reshaped(vector, [1, vector.elementCount]), ones = constant(1, shape: [matrix.shape[0], 1])
        accumulate(matmul(ones, row, transposeA: false, transposeB: false), into: matrix)
    }

    package func columnSums(_ matrix: Tensor) -> Tensor {
        let ones = constant(1, shape: [1, matrix.shape[0]])
        return reshaped(matmul(ones, matrix, transposeA: false, transposeB: false), [matrix.shape[1]])
    }

    /// The sums along the rows of [B, d], [B, 1].
    private func rowSums(_ matrix: Tensor) -> Tensor {
        matmul(matrix, constant(1, shape: [matrix.shape[1], 1]), transposeA: false, transposeB: false)
    }

    /// Every row of [B, d] times its entry of [B, 1].
    private func scaledRows(_ x: Tensor, _ factors: Tensor) -> Tensor {
        multiply(x, matmul(factors, constant(1, shape: [1, x.shape[1]]), transposeA: false, transposeB: false))
    }

    package func normaliseRows(_ x: Tensor) -> (output: Tensor, norms: Tensor) {
        let squares = rowSums(multiply(x, x))
        // 1 / √(|x|² + 1e-24): a row of zeros stays one.
        let inverse = inverseRoot(squares, epsilon: 1e-24)
        return (scaledRows(x, inverse), reshaped(multiply(squares, inverse), [x.shape[0]]))
    }

    package func normaliseRowsBackward(_ gradient: Tensor, output: Tensor, norms: Tensor) -> Tensor {
        let along = scaledRows(output, rowSums(multiply(gradient, output)))
        let across = add(gradient, scale(along, by: -1))
        let length = reshaped(norms, [norms.elementCount, 1])
        return scaledRows(across, inverseRoot(multiply(length, length), epsilon: 1e-24))
    }

    package func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor) {
        let (unit, norms) = normaliseRows(p), target = normaliseRows(z).output
        let cosines = reshaped(rowSums(multiply(unit, target)), [p.shape[0]])
        return (
            scale(cosines, by: -1), normaliseRowsBackward(scale(target, by: -weight), output: unit, norms: norms)
        )
    }

    package func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor {
        let difference = reshaped(add(a, scale(b, by: -1)), [a.shape[0], a.elementCount / a.shape[0]])
        return reshaped(rowSums(multiply(difference, difference)), [a.shape[0]])
    }

    package func accumulate(_ source: Tensor, into target: Tensor) {
        assignRows(add(target, source), to: target, at: 0)
    }

    package func average(_ source: Tensor, into target: Tensor, decay: Float) {
        let value = decay == 0 ? source : add(scale(target, by: decay), scale(source, by: 1 - decay))
        assignRows(value, to: target, at: 0)
    }
}
