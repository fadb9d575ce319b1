import HLCompute

/// MoCo's loss (He et al. 2020, Eq. 1): −log of the softmax of q·k⁺/τ among q·k/τ of its own key k⁺ and of all keys of a
/// queue. Keys of other samples in the batch are no negatives.
///
/// Paper: https://arxiv.org/abs/1911.05722, with MoCo v2's settings https://arxiv.org/abs/2003.04297. Code:
/// https://github.com/facebookresearch/moco (moco/builder.py).
package struct MomentumContrastLoss: Sendable {
    /// Temperature τ.
    package let temperature: Float

    /// - Parameter temperature: MoCo v2's by default.
    package init(temperature: Float = 0.2) { self.temperature = temperature }

    /// Where the pass has weights, each row counts by that of its pair.
    /// - Parameters:
    ///   - q: queries of unit length, [N, d].
    ///   - keys: the key of every query, of unit length, [N, d].
    ///   - queue: negatives of unit length, [K, d].
    /// - Returns: the losses of the rows, [N], whose mean is the loss; the gradient is seeded on `q`.
    package func apply(_ q: Variable, keys: Tensor, queue: Tensor, _ pass: Pass) -> Tensor {
        let backend = pass.backend, count = q.shape[0], dimension = q.shape[1], negatives = queue.shape[0]
        precondition(keys.shape == q.shape && queue.shape[1] == dimension)
        let column = backend.constant(1, shape: [dimension, 1])
        let logits = backend.constant(0, shape: [count, 1 + negatives])
        let positive = backend.matmul(backend.multiply(q.value, keys), column, transposeA: false, transposeB: false)
        backend.addColumns(positive, into: logits, at: 0)
        backend.addColumns(backend.matmul(q.value, queue, transposeA: false, transposeB: true), into: logits, at: 1)
        let rows = backend.crossEntropy(
            logits, targets: backend.indices([Int32](repeating: 0, count: count)), excluded: nil,
            scale: 1 / temperature, weight: 1 / Float(pass.overall(count)))
        let (losses, gradient) = pass.weighted(rows.losses, rows.gradient)
        // Logits are linear in q, with its key and the queue as coefficients.
        let onKeys = backend.matmul(
            backend.columns(gradient, 0..<1), column, transposeA: false, transposeB: true)
        let total = backend.multiply(onKeys, keys)
        let onQueue = backend.columns(gradient, 1..<1 + negatives)
        backend.accumulate(backend.matmul(onQueue, queue, transposeA: false, transposeB: false), into: total)
        pass.tape.seed(q, gradient: total)
        return losses
    }
}
