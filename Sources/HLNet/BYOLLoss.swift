import HLCompute

/// BYOL's loss (Grill et al. 2020, Eq. 2, in both directions): the mean over pairs of
/// 2 − 2 cos(p₁, t₂) + 2 − 2 cos(p₂, t₁). Between 0 and 8.
///
/// Paper: https://arxiv.org/abs/2006.07733. Code: https://github.com/google-deepmind/deepmind-research/tree/master/byol.
package enum BYOLLoss {
    /// What the mean of the rows is multiplied by, for the two directions are added.
    package static let factor: Float = 2

    /// Where the pass has weights, each row counts by that of its pair.
    /// - Parameters:
    ///   - p: predictions of the online network, [2N, d]: view 1's N rows, then view 2's.
    ///   - targets: projections of the target network, [2N, d], in the same order.
    /// - Returns: 2 − 2 cos of every row, [2N], whose mean times `factor` is the loss; the gradient is seeded on `p`.
    package static func apply(_ p: Variable, targets: Tensor, _ pass: Pass) -> Tensor {
        let backend = pass.backend, count = p.shape[0], half = count / 2
        precondition(count % 2 == 0 && targets.shape == p.shape)
        let crossed = backend.concatenate([backend.rows(targets, half..<count), backend.rows(targets, 0..<half)])
        let (negative, onRows) = backend.negativeCosine(
            p.value, crossed, weight: 2 * factor / Float(pass.overall(count)))
        let rows = backend.add(backend.scale(negative, by: 2), backend.constant(2, shape: [count]))
        let (losses, gradient) = pass.weighted(rows, onRows)
        pass.tape.seed(p, gradient: gradient)
        return losses
    }
}
