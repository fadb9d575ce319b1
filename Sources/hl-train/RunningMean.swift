import Glibc
import HLFormats

/// The mean of the last readings of a loss, which says more of a training than the last of them.
struct RunningMean {
    private var values: [Double] = []
    /// Readings that count: at one in ten steps, the last hundred steps.
    private static let count = 10

    mutating func add(_ value: Double) { values = values.suffix(Self.count - 1) + [value] }

    /// nil before the first.
    var value: Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
}

/// A learning rate for progress lines, in two digits: `0.05`, `3.2e-4`.
func rate(_ rate: Float) -> String {
    guard rate > 0, rate.isFinite else { return "0" }
    let exponent = Int(log10(Double(rate)).rounded(.down))
    let digits = (Double(rate) / pow(10, Double(exponent - 1))).rounded()
    guard exponent < -3 else { return rounded(digits * pow(10, Double(exponent - 1)), to: 1 - exponent) }
    return "\(rounded(digits / 10, to: 1))e\(exponent)"
}
