import HLCompute

/// LeJEPA's loss (Balestriero & LeCun 2025): the views of a sample predict their mean, and each view's embeddings are to be
/// N(0, I), for which SIGReg looks at them along random directions.
///
///     L = (1 − λ) · mean over views, samples and dimensions of (z_v − mean of the sample's views)²
///         + λ · mean over views and directions of the statistic of Epps and Pulley
///
/// This is the form of the authors' minimal code: all views are alike, and the integral goes from 0 to 3 in 17 knots and is
/// doubled. The paper's listing spreads its 17 knots from −5 to 5, and predicts the mean of the global views alone. Others
/// leave out the factor 1 − λ, so that a λ does not carry over.
///
/// Paper: https://arxiv.org/abs/2511.08544. Code: https://github.com/rbalestr-lab/lejepa (MINIMAL.md).
package struct LeJEPALoss: Sendable {
    /// λ, from 0 to 1.
    package let trade: Float
    /// Where the integral ends.
    static let limit: Float = 3
    /// Of the trapezoidal rule, from 0 on.
    static let knots = 17

    /// - Parameter trade: λ, the minimal code's by default.
    package init(trade: Float = 0.02) { self.trade = trade }

    /// The two parts of a loss, without their factors.
    package struct Parts {
        /// Mean squares over the dimensions per row, [V · N]; their mean counts 1 − λ.
        package let prediction: Tensor
        /// Statistics per view and direction, [V, M]; their mean counts λ.
        package let statistics: Tensor
    }

    /// - Parameters:
    ///   - z: embeddings, [V · N, d]: view 0's N rows, then view 1's, and so on.
    ///   - views: V, at least 2.
    ///   - directions: [M, d], of unit length.
    /// - Returns: both parts; the gradient of the whole is seeded on `z`.
    package func apply(_ z: Variable, views: Int, directions: Tensor, _ pass: Pass) -> Parts {
        precondition(views >= 2 && z.shape[0] % views == 0 && directions.shape[1] == z.shape[1])
        let (prediction, onCentres) = prediction(z.value, views: views, pass.backend)
        let (statistics, onDirections) = normality(z.value, views: views, directions, pass.backend)
        pass.backend.accumulate(onDirections, into: onCentres)
        pass.tape.seed(z, gradient: onCentres)
        return Parts(prediction: prediction, statistics: statistics)
    }

    /// The distances to the centres, and their gradient with its factor. The centre moves along, which changes nothing: what
    /// lies around a mean sums up to 0.
    private func prediction(
        _ z: Tensor, views: Int, _ backend: any Backend
    ) -> (losses: Tensor, gradient: Tensor) {
        let samples = z.shape[0] / views, dimension = Float(z.shape[1])
        let sum = backend.rows(z, 0..<samples)
        for view in 1..<views {
            backend.accumulate(backend.rows(z, view * samples..<(view + 1) * samples), into: sum)
        }
        let centre = backend.scale(sum, by: 1 / Float(views))
        let centres = backend.concatenate([Tensor](repeating: centre, count: views))
        let losses = backend.scale(backend.squaredDistances(z, centres), by: 1 / dimension)
        let difference = backend.add(z, backend.scale(centres, by: -1))
        return (losses, backend.scale(difference, by: 2 * (1 - trade) / (Float(z.shape[0]) * dimension)))
    }

    /// SIGReg's statistics, and their gradient with its factor.
    private func normality(
        _ z: Tensor, views: Int, _ directions: Tensor, _ backend: any Backend
    ) -> (statistics: Tensor, gradient: Tensor) {
        let along = backend.matmul(z, directions, transposeA: false, transposeB: true)
        let (statistics, gradient) = backend.eppsPulley(
            along, groups: views, limit: Self.limit, knots: Self.knots,
            weight: trade / Float(views * directions.shape[0]))
        return (statistics, backend.matmul(gradient, directions, transposeA: false, transposeB: false))
    }
}
