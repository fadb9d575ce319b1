import HLCompute

/// SimSiam's symmetric loss, Eq. 2 of the paper (Chen & He 2021, Eq. 2): the mean over pairs of
/// −½ cos(p₁, stopgrad z₂) − ½ cos(p₂, stopgrad z₁). Between −1 and 1.
///
/// Paper: https://arxiv.org/abs/2011.10566. Code: https://github.com/facebookresearch/simsiam (main_simsiam.py).
package enum SimSiamLoss {
    /// Where the pass has weights, each row counts by that of its pair.
    /// - Parameters:
    ///   - p: predictions, [2N, d]: view 1's N rows, then view 2's.
    ///   - z: projections, [2N, d], in the same order; no gradient flows into them.
    /// - Returns: the losses of the rows, [2N], whose mean (over the ranks too) is the loss; the gradient is seeded on `p`.
    package static func apply(_ p: Variable, _ z: Variable, _ pass: Pass) -> Tensor {
        let backend = pass.backend, count = p.shape[0], half = count / 2
        precondition(count % 2 == 0 && z.shape == p.shape)
        let crossed = backend.concatenate([
            backend.rows(z.value, half..<count), backend.rows(z.value, 0..<half),
        ])
        let rows = backend.negativeCosine(p.value, crossed, weight: 1 / Float(pass.overall(count)))
        let (losses, gradient) = pass.weighted(rows.losses, rows.gradient)
        pass.tape.seed(p, gradient: gradient)
        return losses
    }
}
