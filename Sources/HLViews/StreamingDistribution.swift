/// Moments, extremes and quantiles of a stream of numbers from 0 up, in constant memory.
///
/// Mean and variance follow Welford's recurrence in double, value by value, so they depend on the order of the values
/// and not on how they came in batches. Counts, extremes and quantiles are the same in any order. Two streams merge by the
/// formulas of Chan, Golub and LeVeque (*Algorithms for computing the sample variance*, 1983).
///
/// Quantiles come from counts in bins spaced by octave and 1/1024 of an octave's width: the relative error is at most
/// `quantileError`. Zeros are counted apart.
public struct StreamingDistribution: Sendable {
    public private(set) var count = 0
    /// Zero for an empty stream.
    public private(set) var mean = 0.0
    private var squares = 0.0  // Σ (x - mean)²
    /// Infinity for an empty stream.
    public private(set) var minimum = Double.infinity
    /// Zero for an empty stream.
    public private(set) var maximum = 0.0
    public private(set) var zeroCount = 0
    /// Bin i counts the values whose leading bits (exponent and ten bits of the fraction) are `firstBin + i`.
    private var bins: [Int] = []
    private var firstBin = 0

    private static let binBits = 10
    private static let binShift = 52 - binBits
    /// Half the width of a bin, relative to its lower end.
    public static let quantileError = 0x1p-11

    public init() {}

    /// Adds finite values from 0 up, `stride` apart. The caller has checked them.
    mutating func add(_ values: UnsafePointer<Double>, count added: Int, stride: Int) {
        if added == 0 { return }
        var smallest = Double.infinity, largest = 0.0
        for i in 0..<added {
            let value = values[i * stride]
            if value > 0 { smallest = min(smallest, value) }
            largest = max(largest, value)
        }
        if largest > 0 { makeRoom(for: Self.bin(smallest)...Self.bin(largest)) }

        var mean = self.mean, squares = self.squares, total = count, zeros = 0
        let firstBin = firstBin
        bins.withUnsafeMutableBufferPointer { bins in
            for i in 0..<added {
                let value = values[i * stride]
                total += 1
                let difference = value - mean
                mean += difference / Double(total)
                squares += difference * (value - mean)
                if value > 0 {
                    bins[Self.bin(value) - firstBin] += 1
                } else {
                    zeros += 1
                }
            }
        }
        self.mean = mean
        self.squares = squares
        count = total
        zeroCount += zeros
        minimum = zeroCount > 0 ? 0 : min(minimum, smallest)
        maximum = max(maximum, largest)
    }

    /// Adds what another stream has counted.
    public mutating func merge(_ other: StreamingDistribution) {
        if other.count == 0 { return }
        if !other.bins.isEmpty {
            makeRoom(for: other.firstBin...other.firstBin + other.bins.count - 1)
            for (i, count) in other.bins.enumerated() { bins[other.firstBin + i - firstBin] += count }
        }
        let total = Double(count + other.count)
        let difference = other.mean - mean
        squares += other.squares + difference * difference * (Double(count) * Double(other.count) / total)
        mean += difference * (Double(other.count) / total)
        count += other.count
        zeroCount += other.zeroCount
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
    }

    /// The sample standard deviation, N - 1 in the denominator; NaN for fewer than two values.
    public var standardDeviation: Double {
        count > 1 ? (squares / Double(count - 1)).squareRoot() : .nan
    }

    /// The standard error of the mean; NaN for fewer than two values.
    public var standardError: Double { standardDeviation / Double(max(count, 1)).squareRoot() }

    /// The value of rank ⌈fraction · N⌉, to a relative error of `quantileError`; the extremes are exact. NaN for an
    /// empty stream.
    /// - Parameter fraction: 0 … 1.
    public func quantile(_ fraction: Double) -> Double {
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

    /// Counts between `edges`, which ascend: entry i has the values of edges[i] ≤ x < edges[i + 1], where a bin that an
    /// edge cuts goes whole to the side of its middle.
    public func histogram(edges: [Double]) -> [Int] {
        var result = [Int](repeating: 0, count: max(edges.count - 1, 0))
        func put(_ value: Double, _ count: Int) {
            guard let next = edges.firstIndex(where: { $0 > value }), next > 0 else { return }
            result[next - 1] += count
        }
        if zeroCount > 0 { put(0, zeroCount) }
        for (i, count) in bins.enumerated() where count > 0 {
            let middle = (Self.lowerEnd(firstBin + i) + Self.lowerEnd(firstBin + i + 1)) / 2
            put(min(max(middle, minimum), maximum), count)
        }
        return result
    }

    private static func bin(_ value: Double) -> Int { Int(value.bitPattern >> UInt64(binShift)) }
    private static func lowerEnd(_ bin: Int) -> Double { Double(bitPattern: UInt64(bin) << UInt64(binShift)) }

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
