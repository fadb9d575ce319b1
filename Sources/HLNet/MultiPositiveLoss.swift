import HLCompute

/// Contrast with several positives: SupCon's L_out (Khosla et al. 2020, Eq. 2) with the views of a sample as its class, which
/// is the multi-positive loss of StableRep (Tian et al. 2023, Eqs. 1 to 3). Every one of the V · N rows is an anchor, the
/// sample's other views are its positives, all further rows negatives:
///
///     L_i = −1/(V − 1) Σ over positives p of log(exp(s_ip/τ) / Σ over a ≠ i of exp(s_ia/τ))
///
/// With two views it is `InfoNCELoss`, to the bit.
///
/// Papers: https://arxiv.org/abs/2004.11362, https://arxiv.org/abs/2306.00984. Code:
/// https://github.com/HobbitLong/SupContrast (losses.py, without labels), which has the factor;
/// https://github.com/google-research/syn-rep-learn (StableRep/models/losses.py), which has not.
package struct MultiPositiveLoss: Sendable {
    /// Temperature τ.
    package let temperature: Float
    /// Whether the loss is multiplied by τ/0.07, as SupCon's code does.
    package let isScaled: Bool

    /// The temperature of both papers and no factor by default.
    package init(temperature: Float = 0.1, isScaled: Bool = false) {
        self.temperature = temperature
        self.isScaled = isScaled
    }

    /// The factor on every loss.
    package var factor: Float { isScaled ? temperature / 0.07 : 1 }

    /// - Parameters:
    ///   - e: embeddings of unit length, [V · N, d]: view 0's N rows, then view 1's, and so on.
    ///   - views: V, at least 2.
    /// - Returns: the losses of the rows, [V · N], without the factor, whose mean times `factor` is the loss; the gradient
    ///   of that is seeded on `e`.
    package func apply(_ e: Variable, views: Int, _ pass: Pass) -> Tensor {
        let backend = pass.backend, count = e.shape[0], samples = count / views, weight = factor / Float(count)
        precondition(views >= 2 && count % views == 0)
        // The softmax against one positive alone, the sample's next view …
        let similarities = backend.matmul(e.value, e.value, transposeA: false, transposeB: true)
        let (losses, gradient) = backend.crossEntropy(
            similarities, targets: backend.indices((0..<count).map { Int32(($0 + samples) % count) }),
            excluded: backend.indices((0..<count).map { Int32($0) }), scale: 1 / temperature, weight: weight)
        let total = backend.matmul(gradient, e.value, transposeA: false, transposeB: false)
        backend.accumulate(backend.matmul(gradient, e.value, transposeA: true, transposeB: false), into: total)
        guard views > 2 else {
            pass.tape.seed(e, gradient: total)
            return losses
        }
        // … and what the mean of all positives has less than that one: L = L_next + (e · next − e · mean of others) / τ.
        let next = rotated(e.value, by: samples, backend)
        let others = backend.copy(next)
        for view in 2..<views { backend.accumulate(rotated(e.value, by: view * samples, backend), into: others) }
        let mean = backend.scale(others, by: 1 / Float(views - 1))
        let missing = backend.add(next, backend.scale(mean, by: -1))
        let products = backend.matmul(
            backend.multiply(e.value, missing), backend.constant(1, shape: [e.shape[1], 1]), transposeA: false,
            transposeB: false)
        backend.accumulate(backend.scale(backend.reshaped(products, [count]), by: 1 / temperature), into: losses)
        // Each row is a factor of its own product, of that in which it is the next, and of those in which it is another.
        let previous = rotated(e.value, by: count - samples, backend)
        let onRows = backend.add(missing, backend.add(previous, backend.scale(mean, by: -1)))
        backend.accumulate(backend.scale(onRows, by: weight / temperature), into: total)
        pass.tape.seed(e, gradient: total)
        return losses
    }

    /// Row i + `offset` in the place of row i, around the end.
    private func rotated(_ x: Tensor, by offset: Int, _ backend: any Backend) -> Tensor {
        backend.concatenate([backend.rows(x, offset..<x.shape[0]), backend.rows(x, 0..<offset)])
    }
}
