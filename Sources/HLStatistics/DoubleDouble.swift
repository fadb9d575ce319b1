/// An unevaluated sum of two doubles, some 106 bits (Dekker, *A floating-point technique for extending the available
/// precision*, 1971). A sum of a billion doubles kept so is right to 22 digits, so that rounded to a double it hardly
/// ever depends on the order of its terms.
///
/// Values beyond 1e150 would overflow when squared.
package struct DoubleDouble: Sendable, Equatable {
    /// The number rounded to a double.
    package private(set) var high = 0.0
    private var low = 0.0

    package init() {}

    package init(_ high: Double, _ low: Double = 0) {
        self.high = high + low
        self.low = low - (self.high - high)
    }

    @inline(__always)
    package mutating func add(_ value: Double, _ error: Double = 0) {
        // Knuth's sum of two numbers with its rounding error, then the two parts brought back in order.
        let sum = high + value
        let rest = sum - high
        let lost = (high - (sum - rest)) + (value - rest)
        self = DoubleDouble(sum, low + (lost + error))
    }

    @inline(__always)
    package mutating func addSquare(of value: Double) {
        let (product, error) = Self.product(value, value)
        add(product, error)
    }

    package static func - (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        var result = a
        result.add(-b.high, -b.low)
        return result
    }

    package static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let (product, error) = product(a.high, b.high)
        return DoubleDouble(product, error + (a.high * b.low + a.low * b.high))
    }

    /// a · b and what it lacks. Dekker's halves of 26 bits, because a fused multiply-add is a call on x86-64's baseline.
    @inline(__always)
    private static func product(_ a: Double, _ b: Double) -> (Double, Double) {
        let product = a * b
        let (a1, a2) = halves(a), (b1, b2) = halves(b)
        return (product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)
    }

    @inline(__always)
    private static func halves(_ value: Double) -> (Double, Double) {
        let scaled = 134_217_729 * value  // 2^27 + 1
        let upper = scaled - (scaled - value)
        return (upper, value - upper)
    }
}
