import Glibc

/// The mean of repeated measurements and how sure it is.
package enum MeanInterval {
    /// The mean ± t s / √n, which holds the true mean of normal values with the stated probability (Student 1908); nil for
    /// fewer than two.
    package static func student(_ values: [Double], confidence: Double = 0.95) -> ClosedRange<Double>? {
        precondition(confidence > 0 && confidence < 1)
        guard values.count > 1 else { return nil }
        let count = Double(values.count), mean = values.reduce(0, +) / count
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let reach = quantile(degrees: count - 1, tail: (1 - confidence) / 2) * (square / count).squareRoot()
        return mean - reach...mean + reach
    }

    /// The t that Student's distribution exceeds with probability `tail` < ½, by bisection: P(T > t) is half of
    /// I_x(ν/2, ½) at x = ν / (ν + t²) (DLMF 8.17; Abramowitz & Stegun 26.7.1).
    static func quantile(degrees: Double, tail: Double) -> Double {
        func exceeding(_ t: Double) -> Double {
            let x = degrees / (degrees + t * t)
            // The continued fraction converges below (a + 1) / (a + b + 2) alone.
            return x < (degrees / 2) / (degrees / 2 + 0.5)
                ? regularisedIncompleteBeta(x, degrees / 2, 0.5) / 2
                : (1 - regularisedIncompleteBeta(1 - x, 0.5, degrees / 2)) / 2
        }
        var low = 0.0, high = 1.0
        while exceeding(high) > tail && high < 1e15 { (low, high) = (high, high * 2) }
        while true {
            let middle = low + (high - low) / 2
            if middle <= low || middle >= high { return middle }
            if exceeding(middle) > tail { low = middle } else { high = middle }
        }
    }
}
