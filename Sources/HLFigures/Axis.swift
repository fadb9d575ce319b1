import Glibc

/// A scale of a figure: a range of numbers on a line, equal steps or equal ratios apart, with round numbers to mark.
package struct Axis: Sendable {
    package let range: ClosedRange<Double>
    package let isLogarithmic: Bool

    /// - Parameter range: of finite numbers; of positive ones where the axis is logarithmic. Its ends must differ.
    package init(_ range: ClosedRange<Double>, isLogarithmic: Bool = false) {
        precondition(range.lowerBound < range.upperBound && (!isLogarithmic || range.lowerBound > 0))
        self.range = range
        self.isLogarithmic = isLogarithmic
    }

    /// 0 at the range's lower end, 1 at its upper.
    package func position(of value: Double) -> Double {
        isLogarithmic
            ? log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
            : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }

    /// The number at a position from 0 to 1.
    package func value(at position: Double) -> Double {
        isLogarithmic
            ? range.lowerBound * pow(range.upperBound / range.lowerBound, position)
            : range.lowerBound + position * (range.upperBound - range.lowerBound)
    }

    /// `count` cells of one width, ascending.
    package func edges(count: Int) -> [Double] { (0...count).map { value(at: Double($0) / Double(count)) } }

    /// Round numbers within the range, ascending: 1, 2 or 5 times a power of ten, about `count` of them.
    package func ticks(about count: Int) -> [Double] {
        if isLogarithmic {
            let decades = Int(log10(range.lowerBound).rounded(.down))...Int(log10(range.upperBound).rounded(.up))
            for steps in [[1, 2, 5], [1, 3], [1.0]] {
                let all = decades.flatMap { decade in steps.map { $0 * Self.power(decade) } }
                let inside = all.filter { range.contains($0) }
                if inside.count <= count { return inside.isEmpty ? [] : inside }
            }
            let stride = max(1, (decades.count + count - 1) / count)
            return decades.filter { $0 % stride == 0 }.map(Self.power).filter { range.contains($0) }
        }
        let wanted = (range.upperBound - range.lowerBound) / Double(max(count, 1))
        let decade = Int(log10(wanted).rounded(.down))
        let step = [1, 2, 5, 10].map { $0 * Self.power(decade) }.first { $0 >= wanted * 0.999 } ?? wanted
        let first = (range.lowerBound / step - 1e-9).rounded(.up),
            last = (range.upperBound / step + 1e-9).rounded(.down)
        guard first <= last, last - first < 1000 else { return [] }
        return Swift.stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : $0 * step }
    }

    /// A tick as text: `0.05`, `20`, `3e-7`.
    package static func text(_ value: Double) -> String {
        guard value != 0 else { return "0" }
        let decade = Int(log10(abs(value) * (1 + 1e-9)).rounded(.down))
        guard (-4...5).contains(decade) else {
            let digits = (value / power(decade) * 100).rounded() / 100
            return (digits == digits.rounded() ? "\(Int(digits))" : "\(digits)") + "e\(decade)"
        }
        // Three digits are enough for multiples of 1, 2 and 5.
        let scale = power(max(0, 2 - decade))
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// Powers of ten as exact as a literal is.
    private static func power(_ exponent: Int) -> Double {
        exponent >= 0 ? pow(10, Double(exponent)) : 1 / pow(10, Double(-exponent))
    }
}
