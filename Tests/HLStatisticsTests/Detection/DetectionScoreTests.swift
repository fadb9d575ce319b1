import HLFormats
import HLStatistics
import Testing

/// Average precisions against `Fixtures/make_detections.py`, and by hand.
struct DetectionScoreTests {
    private static func box(_ corners: some Collection<Double>) -> BoundingBox {
        let corners = Array(corners)
        return BoundingBox(left: corners[0], top: corners[1], right: corners[2], bottom: corners[3])
    }

    @Test func transcriptions() throws {
        let sets = try #require(try fixture("detections").array)
        var known = 0
        for (number, set) in sets.enumerated() {
            let guesses = try #require(set["detections"]?.array).map(\.numbers).map {
                DetectionScore.Guess(image: Int($0[0]), score: $0[1], box: Self.box($0[2...]))
            }
            let targets = try #require(set["targets"]?.array).map { image in
                (image.array ?? []).map(\.numbers).map {
                    DetectionScore.Target(box: Self.box($0[..<4]), isDifficult: $0[4] == 1)
                }
            }
            for rules in DetectionRules.allCases {
                for average in PrecisionAverage.allCases {
                    let score = DetectionScore(guesses, targets, rules: rules, average: average)
                    #expect(score.detections == guesses.count)
                    let key = "\(rules.rawValue) \(average.rawValue)"
                    guard let expected = set[key]?.numbers else {
                        #expect(score.precisions == nil && score.mean == nil && score.objects == 0)
                        continue
                    }
                    known += 1
                    let found = try #require(score.precisions)
                    #expect(found.count == 10 && expected.count == 10)
                    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-9, "set \(number), \(key)") }
                    let mean = try #require(score.mean)
                    #expect(abs(mean - expected.reduce(0, +) / 10) < 1e-9)
                }
            }
        }
        #expect(known > 48)
    }

    /// Three objects, one of them difficult: right, doubled, on the difficult one, wrong.
    @Test func byHand() throws {
        let side = { (left: Double) in BoundingBox(left: left, top: 1, right: left + 9, bottom: 10) }
        let targets: [[DetectionScore.Target]] = [
            [.init(box: side(1), isDifficult: false), .init(box: side(21), isDifficult: true)],
            [.init(box: side(1), isDifficult: false)],
        ]
        let guesses: [DetectionScore.Guess] = [
            .init(image: 0, score: 0.9, box: side(21)), .init(image: 0, score: 0.8, box: side(1)),
            .init(image: 0, score: 0.7, box: side(1)), .init(image: 1, score: 0.6, box: side(1)),
            .init(image: 1, score: 0.5, box: side(40)),
        ]
        let score = { (average: PrecisionAverage, rules: DetectionRules) in
            DetectionScore(guesses, targets, rules: rules, average: average, thresholds: [0.5])
        }
        let area = score(.area, .detectron2)
        #expect(area.objects == 2 && area.difficult == 1 && area.detections == 5)
        // Precision 1 to recall 1/2, then 2/3.
        #expect(try abs(#require(area.precisions)[0] - (0.5 + 1.0 / 3)) < 1e-12)
        #expect(try abs(#require(score(.elevenPoints, .devkit).precisions)[0] - (6 + 5 * 2.0 / 3) / 11) < 1e-12)
        // No detection is no precision, and nothing to find no score.
        let none = DetectionScore([], targets, rules: .devkit, average: .area)
        #expect(none.precisions == [Double](repeating: 0, count: 10))
        #expect(DetectionScore(guesses, [[], []], rules: .devkit, average: .area).precisions == nil)
    }

    /// An overlap of exactly the threshold.
    @Test func rulesDifferAtTheThreshold() {
        let whole = BoundingBox(left: 1, top: 1, right: 10, bottom: 10)
        let half = BoundingBox(left: 1, top: 1, right: 10, bottom: 5)
        #expect(whole.overlap(with: half) == 0.5 && half.overlap(with: whole) == 0.5)
        #expect(whole.overlap(with: whole) == 1 && whole.area == 100)
        #expect(whole.overlap(with: BoundingBox(left: 11, top: 1, right: 20, bottom: 10)) == 0)
        let targets = [[DetectionScore.Target(box: whole, isDifficult: false)]]
        let guesses = [DetectionScore.Guess(image: 0, score: 1, box: half)]
        for (rules, expected) in [(DetectionRules.detectron2, 0.0), (.devkit, 1)] {
            let score = DetectionScore(guesses, targets, rules: rules, average: .area)
            #expect(score.precisions?[0] == expected && score.precisions?[1] == 0)
        }
    }
}
