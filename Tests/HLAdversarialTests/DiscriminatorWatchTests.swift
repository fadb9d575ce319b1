import HLAdversarial
import Testing

/// When a discriminator has won.
struct DiscriminatorWatchTests {
    private func steps(_ watch: inout DiscriminatorWatch, _ range: Range<Int>, loss: (Int) -> Double) -> [Int] {
        range.filter { watch.add(loss($0), step: $0) }
    }

    @Test func winsOnceUnderTheThresholdForAWindow() {
        var watch = DiscriminatorWatch()
        #expect(steps(&watch, 1..<1001) { _ in 1.2 }.isEmpty)
        // A good stretch within a window is no win.
        #expect(steps(&watch, 1001..<2001) { $0 < 1900 ? 0.01 : 4 }.isEmpty)
        #expect(steps(&watch, 2001..<5001) { _ in 0.2 } == [3000])
        #expect(abs((watch.wonAt ?? 0) - 0.2) < 1e-9)
    }

    @Test func notAtTheThreshold() {
        var watch = DiscriminatorWatch()
        #expect(steps(&watch, 1..<4001) { _ in DiscriminatorWatch.threshold + 1e-6 }.isEmpty && watch.wonAt == nil)
    }

    /// Not every step is read.
    @Test func sparseReadings() {
        var watch = DiscriminatorWatch()
        let won = stride(from: 1, to: 3000, by: 10).filter { watch.add(0.1, step: $0) }
        #expect(won == [1001])
    }

    @Test func goesOnFromACheckpoint() throws {
        for pause in [1, 500, 999, 1000, 1001, 1500] {
            var whole = DiscriminatorWatch(), first = DiscriminatorWatch()
            let all = steps(&whole, 1..<3001) { $0 < 1000 ? 1 : 0.25 }
            let before = steps(&first, 1..<pause) { $0 < 1000 ? 1 : 0.25 }
            var second = try #require(DiscriminatorWatch(words: first.words))
            let after = steps(&second, pause..<3001) { $0 < 1000 ? 1 : 0.25 }
            #expect(before + after == all && all == [2000] && second.words == whole.words)
        }
        #expect(DiscriminatorWatch(words: [1, 2, 3]) == nil && DiscriminatorWatch(words: [0, -1, 0, 0]) == nil)
    }
}
