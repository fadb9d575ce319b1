import HLCompute

extension Pass {
    /// The losses of rows and their gradient, each row times the weight of its sample (`weights`); as they are where there
    /// are no weights.
    ///
    /// With weights whose mean is 1 the mean of what comes is (1/N) Σ wᵢ Lᵢ over the pairs, GenView's quality-driven loss
    /// (Li et al. 2024, *GenView*, and *GenView++*; https://github.com/xiaojieli0903/GenViewPlusPlus, models/losses.py).
    /// - Parameters:
    ///   - losses: [R], of N samples view by view: R is N, or a multiple of it.
    ///   - gradient: of their mean, times whatever factor, with regard to R rows, [R, d].
    func weighted(_ losses: Tensor, _ gradient: Tensor) -> (losses: Tensor, gradient: Tensor) {
        guard let weights else { return (losses, gradient) }
        let rows = losses.shape[0], samples = weights.shape[0]
        precondition(rows % samples == 0 && gradient.shape[0] == rows)
        let each = backend.concatenate([Tensor](repeating: weights, count: rows / samples))
        let ones = backend.constant(1, shape: [1, gradient.shape[1]])
        let factors = backend.matmul(
            backend.reshaped(each, [rows, 1]), ones, transposeA: false, transposeB: false)
        return (backend.multiply(losses, each), backend.multiply(gradient, factors))
    }
}
