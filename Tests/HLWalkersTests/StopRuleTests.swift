import HLWalkers
import Testing

/// When a walker's training is over.
@Suite struct StopRuleTests {
    /// Steps until the rule says so, nil if it never does.
    private func end(_ losses: [Double], threshold: Double, window: Int) -> Int? {
        var rule = StopRule(threshold: threshold, window: window)
        for (step, loss) in losses.enumerated() {
            rule.add(loss)
            if rule.isOver { return step + 1 }
        }
        return nil
    }

    @Test func fallsAndComesBack() {
        // Averages of two: 4, 2.5, 0.75, 0.4, 0.65, 1.05.
        #expect(end([5, 3, 2, 0.5, 0.3, 1.0, 1.1], threshold: 1.05, window: 2) == 7)
        #expect(end([5, 3, 2, 0.5, 0.3, 1.0, 1.09], threshold: 1.05, window: 2) == nil)
    }

    @Test func aLossThatNeverFellIsNotBack() {
        #expect(end([5, 4, 3, 2, 3, 4, 5], threshold: 1.05, window: 1) == nil)
        // Noise around the threshold on the way down: 1.0 is not clearly below 1.05.
        #expect(end([3, 1.0, 1.1, 1.0, 1.2, 0.5, 0.6], threshold: 1.05, window: 1) == nil)
        #expect(end([3, 1.0, 1.1, 1.0, 1.2, 0.5, 1.1], threshold: 1.05, window: 1) == 7)
    }

    @Test func nothingIsDecidedBeforeTheWindowIsFull() {
        #expect(end([0.1, 2, 2, 2], threshold: 1, window: 4) == nil)
        #expect(end([0.1, 0.1, 0.1, 0.1, 2, 2, 2], threshold: 1, window: 4) == 6)
    }

    @Test func goesOnFromWhatItHasSeen() {
        let losses = [3, 0.2, 0.4, 0.6, 0.8, 1.2, 1.4]
        var whole = StopRule(threshold: 1, window: 3), first = whole
        for loss in losses { whole.add(loss) }
        for loss in losses.prefix(4) { first.add(loss) }
        var second = StopRule(threshold: 1, window: 3, recent: first.recent, lowest: first.lowest)
        for loss in losses.dropFirst(4) { second.add(loss) }
        #expect(second == whole && second.isOver)
    }

    /// What had no threshold, or another, has fallen for the new one only where it was low enough.
    @Test func anotherThreshold() {
        var endless = StopRule(threshold: .infinity, window: 1)
        for loss in [5.0, 4, 3.9] { endless.add(loss) }
        #expect(!endless.isOver)
        var other = StopRule(threshold: 1.05, window: 1, recent: endless.recent, lowest: endless.lowest)
        #expect(!other.isOver)
        for loss in [0.8, 1.0] { other.add(loss) }
        #expect(!other.isOver)
        other.add(1.06)
        #expect(other.isOver)
        #expect(!StopRule(threshold: 1.2, window: 1, recent: other.recent, lowest: other.lowest).isOver)
    }
}
