import HLStatistics
import Testing

struct MeanIntervalTests {
    /// scipy.stats.t.ppf(0.975, n - 1): 12.706204736, 2.776445105, 2.093024054.
    @Test(arguments: [(2, 12.706_204_736_432_1), (5, 2.776_445_105_197_8), (20, 2.093_024_054_408_3)])
    func reachesAsFarAsStudentSays(count: Int, quantile: Double) throws {
        // Deviation √(n / (n − 1)) around 3.
        let values = (0..<count).map { 3 + ($0 % 2 == 0 ? 1.0 : -1.0) } as [Double]
        let mean = values.reduce(0, +) / Double(count)
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        let interval = try #require(MeanInterval.student(values)),
            reach = quantile * (square / Double(count)).squareRoot()
        #expect(abs(interval.lowerBound - (mean - reach)) < 1e-9 && abs(interval.upperBound - (mean + reach)) < 1e-9)
    }

    @Test func oneValueHasNone() {
        #expect(MeanInterval.student([1]) == nil && MeanInterval.student([]) == nil)
        #expect(MeanInterval.student([2, 2, 2]) == 2...2)
    }
}
