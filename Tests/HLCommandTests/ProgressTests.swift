import HLCommand
import Testing

struct ProgressTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-4321, "-4,321")])
    func groupsOfDigits(number: Int, text: String) { #expect(Progress.grouped(number) == text) }

    @Test(
        arguments: [
            (0.04, "0.0 s"), (9.94, "9.9 s"), (41.4, "41 s"), (59.6, "1 min 0 s"), (725, "12 min 5 s"),
            (12_000, "3 h 20 min"),
            (187_200, "2 d 4 h"), (.infinity, "forever"), (.nan, "forever"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) { #expect(Progress.duration(seconds) == text) }

    @Test func lines() {
        func text(
            _ done: Int, of total: Int?, before: Int = 0, seconds: Double, extra: String = "", isLast: Bool = false
        ) -> String {
            Progress.text(
                done: done, doneBefore: before, total: total, unit: "samples", seconds: seconds, extra: extra,
                isLast: isLast)
        }
        #expect(
            text(12_800, of: 1_000_000, seconds: 31, extra: "loss 4.21")
                == "12,800 of 1,000,000 samples, 413/s, 39 min 51 s left, loss 4.21")
        #expect(text(5, of: nil, seconds: 2) == "5 samples, 2.5/s")
        // What was done before a resumption has no part in the rate.
        #expect(text(600, of: 1000, before: 500, seconds: 10) == "600 of 1,000 samples, 10/s, 40 s left")
        #expect(text(1000, of: 1000, seconds: 100, isLast: true) == "1,000 of 1,000 samples, 10/s, in 1 min 40 s")
        #expect(text(0, of: 10, seconds: 0) == "0 of 10 samples")
        // What was announced may be wrong.
        #expect(text(11, of: 10, seconds: 11) == "11 samples, 1.0/s")
    }

    /// On a narrow terminal the loss is what stays.
    @Test(
        arguments: [
            (80, "12,800 of 65,536 pairs, 413/s, 2 min 8 s left, loss 4.21, spread 0.98"),
            (68, "12,800 of 65,536 pairs, 2 min 8 s left, loss 4.21, spread 0.98"),
            (60, "12,800 of 65,536, 2 min 8 s left, loss 4.21, spread 0.98"),
            (50, "19 %, 2 min 8 s left, loss 4.21, spread 0.98"),
            (40, "19 %, 2 min 8 s left, loss 4.21"), (30, "19 %, loss 4.21, spread 0.98"), (20, "19 %, loss 4.21"),
            (10, "19 %, loss"), (0, ""),
        ])
    func narrowTerminals(width: Int, expected: String) {
        let text = Progress.text(
            done: 12_800, doneBefore: 0, total: 65_536, unit: "pairs", seconds: 31, extra: "loss 4.21, spread 0.98",
            isLast: false, width: width)
        #expect(text == expected)
    }
}
