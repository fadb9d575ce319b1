import HLFormats
import Testing

/// Which of two streams samples come from.
struct MixingRatioTests {
    @Test(arguments: [(10, 1), (1, 1), (1, 2), (3, 7), (1, 1_000_000), (1_000_000, 999_999)], [1, 2, 7, 64, 256])
    func exactOverAnyNumberOfSteps(parts: (Int, Int), batch: Int) {
        let ratio = MixingRatio(parts.0, parts.1)
        var first = 0, second = 0
        for step in 0..<500 {
            let share = ratio.countOfFirst(from: step * batch, count: batch)
            #expect((0...batch).contains(share))
            first += share
            second += batch - share
            // To within one sample, and where the parts go in to the sample.
            let all = first + second, wanted = Double(all) * Double(parts.0) / Double(parts.0 + parts.1)
            #expect(abs(Double(first) - wanted) < 1)
            if all.isMultiple(of: parts.0 + parts.1) { #expect(first * parts.1 == second * parts.0) }
        }
    }

    /// No product overflows.
    @Test func farAlong() {
        let ratio = MixingRatio(999_999, 1_000_000)
        let start = Int.max / 2
        #expect((31...33).contains(ratio.countOfFirst(from: start, count: 64)))
    }

    @Test func text() {
        #expect(MixingRatio("10:1") == MixingRatio(10, 1) && MixingRatio("10:1")?.text == "10:1")
        for text in ["", "10", "10:", ":1", "0:1", "1:0", "-1:2", "1:2:3", "1.5:1", "1000001:1", "a:b"] {
            #expect(MixingRatio(text) == nil, "\(text)")
        }
    }
}
