import Glibc

extension TruncatedNormal {
    /// The mean Euclidean length of a vector of `dimension` independent values, for a mean μ of 0: somewhat less than
    /// the root of dimension · variance, as a mean of roots is. NaN for another μ.
    ///
    /// With φ(s) the mean of exp(-s·x²) over one value x, E√S = ∫ (1 - φ(s)^dimension) s^(-3/2) ds / (2√π) for the sum S
    /// of the squares. φ is known in closed form, and with s = exp(y) the trapezoidal rule is good to 1e-6.
    package func meanLength(dimension: Int) -> Double {
        precondition(dimension >= 0)
        guard mean == 0 else { return .nan }
        let count = Double(dimension)
        let mass = truncation.isFinite ? erf(truncation / 2.0.squareRoot()) : 1
        // x over σ; φ(s) = erf(t √(s + 1/2)) / erf(t / √2) / √(1 + 2s).
        func logarithm(_ s: Double) -> Double {
            let inside = truncation.isFinite ? erf(truncation * (s + 0.5).squareRoot()) : 1
            return log(inside / mass) - 0.5 * log1p(2 * s)
        }
        let slope = -logarithm(1e-5) / 1e-5  // φ falls like this times s where the difference would cancel
        let step = 0.125
        var sum = 0.0
        for number in -640...640 {
            let y = Double(number) * step, s = exp(y)
            sum += -expm1(count * (s < 1e-5 ? -slope * s : logarithm(s))) * exp(-y / 2)
        }
        return standardDeviation * sum * step / (2 * Double.pi.squareRoot())
    }
}
