/// Moments, extremes and quantiles of a stream of numbers from 0 up, in constant memory.
///
/// Sums of the values and of their squares are kept to 106 bits, so mean and standard deviation are those of exact sums
/// at any length; in another order at most their last digit can differ. (The standard
/// deviation is right to 1e-15 of the mean where it is smaller than that.) Counts, extremes and quantiles are the same
/// in any order.
///
/// Quantiles come from counts in bins spaced by octave and 1/1024 of an octave's width: the relative error is at most
/// `quantileError`. Zeros are counted apart.
package struct StreamingDistribution: Sendable {
    package private(set) var count = 0
    private var sum = DoubleDouble()
    private var squares = DoubleDouble()
    /// Infinity for an empty stream.
    package private(set) var minimum = Double.infinity
    /// Zero for an empty stream.
    package private(set) var maximum = 0.0
    package private(set) var zeroCount = 0
    /// Bin i counts the values whose leading bits (exponent and ten bits of the fraction) are `firstBin + i`.
    private(set) var bins: [Int] = []
    private(set) var firstBin = 0

    private static let binBits = 10
    private static let binShift = 52 - binBits
    /// Half the width of a bin, relative to its lower end.
    package static let quantileError = 0x1p-11

    package init() {}

    /// Adds finite values from 0 up, `stride` apart. The caller has checked them.
    package mutating func add(_ values: UnsafePointer<Double>, count added: Int, stride: Int) {
        if added == 0 { return }
        var smallest = Double.infinity, largest = 0.0
        for i in 0..<added {
            let value = values[i * stride]
            if value > 0 { smallest = min(smallest, value) }
            largest = max(largest, value)
        }
        if largest > 0 { makeRoom(for: Self.bin(smallest)...Self.bin(largest)) }

        var sum = self.sum, squares = self.squares, zeros = 0
        let firstBin = firstBin
        bins.withUnsafeMutableBufferPointer { bins in
            for i in 0..<added {
                let value = values[i * stride]
                if value > 0 {
                    sum.add(value)
                    squares.addSquare(of: value)
                    bins[Self.bin(value) - firstBin] += 1
                } else {
                    zeros += 1
                }
            }
        }
        self.sum = sum
        self.squares = squares
        count += added
        zeroCount += zeros
        minimum = zeroCount > 0 ? 0 : min(minimum, smallest)
        maximum = max(maximum, largest)
    }

    /// Zero for an empty stream.
    package var mean: Double { sum.high / Double(max(count, 1)) }

    /// The sample standard deviation, N - 1 in the denominator; NaN for fewer than two values.
    package var standardDeviation: Double {
        guard count > 1 else { return .nan }
        if minimum == maximum { return 0 }
        // N Σx² - (Σx)²: of 106 bits the difference leaves enough.
        let n = Double(count)
        let difference = DoubleDouble(n) * squares - sum * sum
        return (max(0, difference.high) / n / (n - 1)).squareRoot()
    }

    /// The standard error of the mean; NaN for fewer than two values.
    package var standardError: Double { standardDeviation / Double(max(count, 1)).squareRoot() }

    /// The value of rank ⌈fraction · N⌉, to a relative error of `quantileError`; the extremes are exact. NaN for an
    /// empty stream.
    /// - Parameter fraction: 0 … 1.
    package func quantile(_ fraction: Double) -> Double {
        precondition(fraction >= 0 && fraction <= 1)
        guard count > 0 else { return .nan }
        let rank = min(max(Int((fraction * Double(count)).rounded(.up)), 1), count)
        if rank == 1 { return minimum }
        if rank == count { return maximum }
        var seen = zeroCount
        if rank <= seen { return 0 }
        for (i, count) in bins.enumerated() {
            seen += count
            if rank <= seen {
                let middle = (Self.lowerEnd(firstBin + i) + Self.lowerEnd(firstBin + i + 1)) / 2
                return min(max(middle, minimum), maximum)
            }
        }
        return maximum
    }

    private static func bin(_ value: Double) -> Int { Int(value.bitPattern >> UInt64(binShift)) }
    static func lowerEnd(_ bin: Int) -> Double { Double(bitPattern: UInt64(bin) << UInt64(binShift)) }

    /// Bins are kept by whole octaves, from the lowest to the highest that has occurred: 8 KiB each, and the
    /// distances of float vectors span fewer than 330.
    private mutating func makeRoom(for range: ClosedRange<Int>) {
        let octave = 1 << Self.binBits
        var low = range.lowerBound / octave * octave
        var high = (range.upperBound / octave + 1) * octave
        if !bins.isEmpty {
            if low >= firstBin && high <= firstBin + bins.count { return }
            low = min(low, firstBin)
            high = max(high, firstBin + bins.count)
        }
        var wider = [Int](repeating: 0, count: high - low)
        for (i, count) in bins.enumerated() { wider[firstBin - low + i] = count }
        bins = wider
        firstBin = low
    }
}
