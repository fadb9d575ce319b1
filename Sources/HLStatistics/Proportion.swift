import Glibc

/// How many of some samples have a property.
package struct Proportion: Sendable, Equatable {
    package let count: Int
    package let total: Int

    package init(count: Int, total: Int) {
        self.count = count
        self.total = total
    }

    /// NaN without samples.
    package var share: Double { Double(count) / Double(total) }

    /// The interval of Clopper and Pearson (*The use of confidence or fiducial limits illustrated in the case of the
    /// binomial*, 1934); all of 0 … 1 without samples.
    ///
    /// It holds the true share with at least the stated probability for every share and number of samples. Wilson's,
    /// which is shorter, does so on average only: next to 0 and 1, where an assumption that nearly always holds has its
    /// share, its 95 % fall to 84 %.
    package func interval(confidence: Double = 0.95) -> ClosedRange<Double> {
        precondition(confidence > 0 && confidence < 1)
        let tail = (1 - confidence) / 2
        let lower = Self.lowerBound(count: count, total: total, tail: tail)
        let upper = 1 - Self.lowerBound(count: total - count, total: total, tail: tail)
        return lower...max(lower, upper)
    }

    /// The share p for which `count` or more of `total` have the probability `tail`.
    private static func lowerBound(count: Int, total: Int, tail: Double) -> Double {
        guard count > 0 else { return 0 }
        let a = Double(count), b = Double(total - count) + 1
        var low = 0.0, high = Double(count) / Double(total)
        // Bisection down to neighbouring doubles: more than 60 steps only for bounds next to 0.
        while true {
            let middle = low + (high - low) / 2
            if middle <= low || middle >= high { return middle }
            if regularisedIncompleteBeta(middle, a, b) < tail { low = middle } else { high = middle }
        }
    }
}

/// I_x(a, b) for x up to about a / (a + b), by the continued fraction of Lentz (DLMF 8.17.22), which takes some
/// √(a + b) terms at most. Relative error about 1e-16 · (a + b).
func regularisedIncompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    let logarithm = lgamma(a + b).0 - lgamma(a).0 - lgamma(b).0 + a * log(x) + b * log1p(-x)
    let tiny = 1e-300
    func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), fraction = d
    for step in 1...1_000_000 {
        let m = Double(step)
        let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / nonzero(1 + even * d)
        c = nonzero(1 + even / c)
        fraction *= d * c
        let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / nonzero(1 + odd * d)
        c = nonzero(1 + odd / c)
        fraction *= d * c
        if abs(d * c - 1) < 1e-15 { break }
    }
    return exp(logarithm) * fraction / a
}
