import HLCompute

/// InfoNCE over a batch of pairs, Eq. 1 of the paper, in SimCLR's form (Chen et al. 2020, NT-Xent): every one of the 2N
/// rows is an anchor, its other view the positive, all 2N − 2 others negatives, itself left out.
///
/// Paper: https://arxiv.org/abs/2002.05709. Code: https://github.com/google-research/simclr (objective.py), and with the
/// factor https://github.com/HobbitLong/SupContrast (losses.py).
package struct InfoNCELoss: Sendable {
    /// Temperature τ.
    package let temperature: Float
    /// Whether the loss is multiplied by τ/0.07, as SupCon's code (and COP-Gen's after it) does.
    package let isScaled: Bool

    /// SimCLR's temperature and no factor by default.
    package init(temperature: Float = 0.1, isScaled: Bool = false) {
        self.temperature = temperature
        self.isScaled = isScaled
    }

    /// The factor on every loss.
    package var factor: Float { isScaled ? temperature / 0.07 : 1 }

    /// With several ranks all rows of all of them are negatives. Each computes the losses of its own.
    /// Where the pass has weights, each row counts by that of its pair.
    /// - Parameter e: embeddings of unit length, [2N, d]: view 1's N rows, then view 2's.
    /// - Returns: the losses of the rows, [2N], without the factor, whose mean (over the ranks too) times `factor` is the
    ///   loss; the gradient of that is seeded on `e`.
    package func apply(_ e: Variable, _ pass: Pass) -> Tensor {
        if let ranks = pass.ranks { return apply(e, pass, over: ranks) }
        let backend = pass.backend, count = e.shape[0], half = count / 2
        precondition(count % 2 == 0)
        let similarities = backend.matmul(e.value, e.value, transposeA: false, transposeB: true)
        let rows = backend.crossEntropy(
            similarities, targets: backend.indices((0..<count).map { Int32(($0 + half) % count) }),
            excluded: backend.indices((0..<count).map { Int32($0) }), scale: 1 / temperature,
            weight: factor / Float(count))
        let (losses, gradient) = pass.weighted(rows.losses, rows.gradient)
        // S = E Eᵀ, so dE = (dS + dSᵀ) E.
        let left = backend.matmul(gradient, e.value, transposeA: false, transposeB: false)
        backend.accumulate(backend.matmul(gradient, e.value, transposeA: true, transposeB: false), into: left)
        pass.tape.seed(e, gradient: left)
        return losses
    }

    /// S = E Aᵀ of this rank's rows E and all ranks' A, rank by rank. A row of E has a part in the losses of its own row, and
    /// as a row of A in those of all ranks, which come back as a sum.
    private func apply(_ e: Variable, _ pass: Pass, over ranks: any Ranks) -> Tensor {
        let backend = pass.backend, count = e.shape[0], half = count / 2, start = ranks.rank * count
        precondition(count % 2 == 0)
        let all = ranks.gatherRows(e.value)
        let similarities = backend.matmul(e.value, all, transposeA: false, transposeB: true)
        let rows = backend.crossEntropy(
            similarities, targets: backend.indices((0..<count).map { Int32(start + ($0 + half) % count) }),
            excluded: backend.indices((0..<count).map { Int32(start + $0) }), scale: 1 / temperature,
            weight: factor / Float(pass.overall(count)))
        let (losses, gradient) = pass.weighted(rows.losses, rows.gradient)
        let onAll = backend.matmul(gradient, e.value, transposeA: true, transposeB: false)
        ranks.beginSum([onAll])
        let total = backend.matmul(gradient, all, transposeA: false, transposeB: false)
        ranks.finishSums()
        backend.accumulate(backend.rows(onAll, start..<start + count), into: total)
        pass.tape.seed(e, gradient: total)
        return losses
    }
}
