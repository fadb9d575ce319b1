import Testing

@testable import HLWalkers

/// When a walker's training is over.
@Suite struct StopRuleTests {
    /// Steps until the rule says so, nil if it never does.
    private func end(_ losses: [Double], threshold: Double, window: Int) -> Int? {
        var rule = StopRule(threshold: threshold, window: window)
        return losses.firstIndex { rule.isOver(after: $0) }.map { $0 + 1 }
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
        for loss in losses { _ = whole.isOver(after: loss) }
        for loss in losses.prefix(4) { _ = first.isOver(after: loss) }
        var second = StopRule(threshold: 1, window: 3, recent: first.recent, hasFallen: first.hasFallen)
        for loss in losses.dropFirst(4) { _ = second.isOver(after: loss) }
        #expect(second == whole)
    }
}
