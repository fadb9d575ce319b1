import HLCommand
import Synchronization
import Testing

/// Values made on another thread.
struct AheadTests {
    private struct Trouble: Error {}

    /// Counts up to an end, and how far it has come.
    private final class Source: Sendable {
        let made = Mutex(0)
        let ended = Mutex(false)

        func next(until end: Int) -> Int? {
            made.withLock { count -> Int? in
                count += 1
                return count <= end ? count : nil
            }
        }

        deinit { ended.withLock { $0 = true } }
    }

    @Test(arguments: [0, 1, 3, 100]) func inOrder(depth: Int) throws {
        let source = Source(), ahead = Ahead(depth: depth) { source.next(until: 1000) }
        var values: [Int] = []
        while let value = try ahead.next() { values.append(value) }
        #expect(values == Array(1...1000))
        #expect(try ahead.next() == nil)
    }

    /// What came before an error is not lost, and the error stays.
    @Test func errorsComeLast() throws {
        let source = Source()
        let ahead = Ahead<Int> {
            guard let value = source.next(until: 5) else { throw Trouble() }
            return value
        }
        for expected in 1...5 { #expect(try ahead.next() == expected) }
        for _ in 0..<2 { #expect(throws: Trouble.self) { try ahead.next() } }
    }

    /// No more is made than may wait, beside the one that is at hand.
    @Test func staysLittleAhead() throws {
        let source = Source(), ahead = Ahead(depth: 2) { source.next(until: 1000) }
        for taken in 1...200 {
            _ = try ahead.next()
            #expect(source.made.withLock { $0 } <= taken + 3)
        }
    }
}
