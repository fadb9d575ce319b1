import HLStatistics
import HLViews
import Testing

/// Clopper and Pearson's interval against scipy's `binomtest(k, n).proportion_ci(c, method="exact")`.
struct ProportionTests {
    @Test(arguments: [
        (8, 10, 0.95, 0.4439045376923585, 0.9747892736731665),
        (0, 10, 0.95, 0, 0.30849710781876294),
        (10, 10, 0.95, 0.6915028921812371, 1),
        (3, 7, 0.99, 0.055299349980557536, 0.8822962483310521),
        (37, 37, 0.9, 0.9222252889948621, 1),
        (1, 1_000_000, 0.95, 2.5317805139113815e-08, 5.571630655512304e-06),
        (500_000, 1_000_000, 0.95, 0.4990195191953118, 0.5009804808046883),
        (999_990, 1_000_000, 0.95, 0.9999816097211081, 0.9999952046015905),
    ])
    func interval(_ count: Int, _ total: Int, _ confidence: Double, _ low: Double, _ high: Double) {
        let interval = Proportion(count: count, total: total).interval(confidence: confidence)
        #expect(abs(interval.lowerBound - low) <= 1e-6 * low)
        // Next to 1 it is the distance to 1 that counts.
        #expect(abs(interval.upperBound - high) <= 1e-6 * max(1 - high, 1e-7))
    }

    @Test func withoutSamples() {
        let none = Proportion(count: 0, total: 0)
        #expect(none.share.isNaN && none.interval() == 0...1)
    }
}
